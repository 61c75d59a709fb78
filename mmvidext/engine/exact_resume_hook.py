"""A resumed run goes on as if it had never stopped."""

from pathlib import Path
from typing import IO, Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvidext.engine.resume_checks import check_resumable, confine
from mmvidext.engine.resumed_state import check_training_state
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import unwrap_model
from mmvidext.engine.training_state_hook import (
    STATE_KEY,
    TrainingStateHook,
    checkpoint_directory,
    validation_follows,
)
from mmvidext.engine.whole_file import remove_partial_files
from mmvidext.engine.work_dir import check_room, lock_work_dir
from mmvidext.registry import HOOKS

__all__ = ['ExactResumeHook']


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Make a run that is killed and resumed bitwise equal to one that is not.

    The one hook to add to a config; it works with mmengine's loops, samplers and hooks:

    - each sample is seeded by the seed and its place in the epoch (:mod:`mmvidext.engine.seeded_loading`);
    - a checkpoint holds the generators, waiting gradients and buffers of each process, the position in the data and
      the state of early stopping, and a run resumes from it in the middle of an epoch too, without loading what was
      consumed;
    - mmengine's ``CheckpointHook`` is replaced by :class:`mmvidext.engine.CheckpointHook`, whose files are whole or
      not there;
    - a work directory, and a folder of checkpoints elsewhere, is used by one run, with room for a checkpoint;
    - a checkpoint of another model, other classes, another optimizer or schedule is refused, and nothing in it is
      executed or makes files outside of the work directory disappear;
    - at SIGTERM, SIGUSR1 or SIGHUP the run saves after the iteration in progress, and exits with code 75: resume me.

    See ``docs/reliability.md`` for what is guaranteed.
    """

    priority = 'VERY_HIGH'  # checks a checkpoint before other hooks use it; the state is for a hook after all others

    def __init__(self) -> None:
        self._state = TrainingStateHook()
        self._missed: list[tuple[Any, int]] = []  # schedulers, and how many steps each is late
        self._locks: list[IO[str] | None] = []

    def before_run(self, runner: Runner) -> None:
        """Register the hook that saves and restores.

        Raises:
            RunError: If the runner is not mmengine's ``Runner``, or has two of this hook.
        """
        if not isinstance(runner, Runner):
            raise RunError(
                f'ExactResumeHook is for the Runner of mmengine, not for {type(runner).__name__}: take it out of '
                'custom_hooks. A run with FSDP resumes from the end of an epoch without it'
            )
        if sum(isinstance(hook, ExactResumeHook) for hook in runner.hooks) > 1:
            raise RunError('ExactResumeHook stands twice in custom_hooks or default_hooks: take one out')
        if self._state not in runner.hooks:
            runner.register_hook(self._state)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint, and take this hook's part out of it.

        Raises:
            RunError: If the run cannot resume from it; the message begins with the file.
        """
        confine(checkpoint, checkpoint_directory(runner) or Path(runner.work_dir))
        if runner._resume:  # as mmengine's EMAHook asks
            try:
                self._missed = check_resumable(runner, checkpoint)
                if STATE_KEY in checkpoint:
                    check_training_state(runner, checkpoint[STATE_KEY])
            except RunError as error:
                raise RunError(f'{runner._load_from}: {error}') from error
            self._state.resumed = checkpoint.get(STATE_KEY)
            if self._state.resumed is None:
                runner.logger.warning('this checkpoint was saved without ExactResumeHook: the data begins anew')

    def before_train(self, runner: Runner) -> None:
        """Let the schedulers catch up, and take the directories of the run, before another hook writes to them.

        Raises:
            RunError: If another run uses one, or it cannot take a checkpoint.
        """
        for scheduler, steps in self._missed:
            self._catch_up(runner, scheduler, steps)
        if not is_main_process():
            return
        directory = checkpoint_directory(runner)
        own = {Path(runner.work_dir), directory or Path(runner.work_dir)}
        self._locks = [lock_work_dir(folder) for folder in sorted(own)]
        if directory is None:
            return
        sizes = [tensor.numel() * tensor.element_size() for tensor in unwrap_model(runner.model).state_dict().values()]
        check_room(directory, 3 * sum(sizes))  # weights, and two tensors of an optimizer such as Adam
        remove_partial_files(directory)

    def _catch_up(self, runner: Runner, scheduler: Any, steps: int) -> None:
        """Let a scheduler make the steps that it left out because its run ended there."""
        scheduler._global_step -= steps
        for _ in range(steps):
            scheduler.step()
        state = self._state.resumed
        if getattr(scheduler, 'need_val_args', False) and state and state['validated'] and validation_follows(runner):
            metric = runner.message_hub.get_scalar(f'val/{scheduler.monitor}').current()
            scheduler.step({scheduler.monitor: metric})  # such a scheduler has not heard of the last validation

    def after_run(self, runner: Runner) -> None:
        """Give the directories back."""
        for lock in self._locks:
            if lock is not None:
                lock.close()
