"""A resumed run goes on as if it had never stopped."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvidext.engine.resume_checks import check_resumable, confine
from mmvidext.engine.training_state_hook import STATE_KEY, TrainingStateHook, checkpoint_directory
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
    - a work directory is used by one run, with room for a checkpoint;
    - a checkpoint of another model, other classes or another schedule is refused, and nothing in it is executed or
      makes files outside of the work directory disappear;
    - at SIGTERM or SIGUSR1 the run saves after the iteration in progress, and exits with code 75: resume me.

    See ``docs/reliability.md`` for what is guaranteed.
    """

    priority = 'VERY_HIGH'  # checks a checkpoint before other hooks use it; the state is for a hook after all others

    def __init__(self) -> None:
        self._state = TrainingStateHook()

    def before_run(self, runner: Runner) -> None:
        """Register the hook that saves and restores."""
        if self._state not in runner.hooks:
            runner.register_hook(self._state)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint, and take this hook's part out of it.

        Raises:
            RunError: If the run cannot resume from it.
        """
        confine(checkpoint, checkpoint_directory(runner))
        if runner._resume:  # as mmengine's EMAHook asks
            check_resumable(runner, checkpoint)
            self._state.resumed = checkpoint.get(STATE_KEY)
            if self._state.resumed is None:
                runner.logger.warning('this checkpoint was saved without ExactResumeHook: the data begins anew')
