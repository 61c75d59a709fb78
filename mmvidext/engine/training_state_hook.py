"""The part of a run's state that mmengine does not save: generators, position in the data, what each process has."""

import bisect
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

from mmengine.dist import all_gather_object, broadcast_object_list, get_rank, get_world_size
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.hooks import EarlyStoppingHook, EMAHook, Hook
from mmengine.hooks import LoggerHook as MMEngineLoggerHook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from mmvidext.engine.checkpoint_hook import PREEMPTED, CheckpointHook
from mmvidext.engine.data_digest import data_digest, pipeline_steps
from mmvidext.engine.logger_hook import LoggerHook
from mmvidext.engine.optimizer_checks import optimizer_types
from mmvidext.engine.preemption import EXIT_RESUME_ME, Preemption
from mmvidext.engine.rank_state import capture_rank, restore_rank, unsaved_buffers
from mmvidext.engine.resume_checks import arithmetic_of, changed_arithmetic
from mmvidext.engine.resume_point import checkpoint_folder
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import loaders_of, process_timeout, unwrap_model
from mmvidext.engine.seeded_loading import PlacedBatches, RemainingBatches, seeded_loader, shield_workers
from mmvidext.engine.shared_batches import share_batches
from mmvidext.generators import capture_generators, restore_generators

__all__ = ['STATE_KEY', 'TrainingStateHook', 'checkpoint_directory', 'validation_follows']

STATE_KEY = 'exact_resume'  # in the checkpoint
_EARLY_STOPPING = ('wait_count', 'best_score')


class TrainingStateHook(Hook):
    """Saves and restores what mmengine does not, and stops at a signal; :class:`ExactResumeHook` registers it."""

    priority = 'LOWEST'  # after all hooks that belong to the state

    def __init__(self) -> None:
        self.resumed: dict[str, Any] | None = None  # what the checkpoint held, until it is restored
        self._consumed = 0  # batches of the epoch in which the run resumes
        self._num_batches = 0  # of an epoch, as its sampler says before the first: some know that of a given order only
        self._epoch, self._trained = -1, 0  # an epoch, and the batches of it that were trained on
        self._ranks: list[dict[str, Any]] | None = None  # the states of all processes, for the next checkpoint
        self._before_val: dict[str, Any] | None = None  # the generators; validation does not change them
        self._validated_iter = -1
        self._common_val_batches = 0  # of all processes: those in which they can agree
        self._as_built: dict[str, Tensor] = {}  # the buffers that mmengine does not save, before the training
        self._preemption = Preemption()
        self._checkpoints: CheckpointHook  # saves at a signal; there from the begin of training on
        self._batches: PlacedBatches | None = None
        self._data_digest: str | None = None

    def before_train(self, runner: Runner) -> None:
        """Prepare the run after everything else is: the state is loaded, all other hooks are ready.

        Raises:
            RunError: If the checkpoint is from the middle of an epoch of other batches.
        """
        self._take_over_hooks(runner)
        self._seed_data(runner)
        self._as_built = {name: buffer.clone() for name, buffer in unsaved_buffers(unwrap_model(runner.model)).items()}
        if self.resumed is not None:
            self._resume(runner, self.resumed)
        self._preemption.listen(process_timeout(runner.cfg))
        if self.resumed is not None and self._validation_is_missing(runner, self.resumed):
            restore_generators(self._own(self.resumed)['generators'])
            if isinstance(runner.train_loop, EpochBasedTrainLoop):
                runner.message_hub.update_info('epoch', runner.epoch - 1)  # which has ended, and is validated
            runner.val_loop.run()

    def before_train_epoch(self, runner: Runner) -> None:
        """Say where the data begins, and restore the generators of a resumed run, now that nothing draws any more."""
        if self._batches is not None and not self._batches.endless:
            self._batches.epoch = runner.epoch
            self._batches.start, self._consumed = self._consumed, 0
            self._epoch, self._trained = runner.epoch, self._batches.start
        if self.resumed is not None:
            restore_generators(self._own(self.resumed)['generators'])
            self.resumed = None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Count the batches of the epoch."""
        self._trained += 1

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Stop here if the cluster wants its machine."""
        if self._preemption.agreed():
            self._save_and_exit(runner, runner.iter + 1)

    def before_val(self, runner: Runner) -> None:
        """Keep the state of training."""
        if self._batches is not None:
            self.gather_rank_states(runner)
            self._before_val = capture_generators()
            loader = getattr(runner.val_loop, 'dataloader', None)
            self._common_val_batches = min(all_gather_object(0 if loader is None else len(loader)))

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Stop in the middle of a validation, which a resumed run begins anew."""
        in_step = self._before_val is not None and batch_idx < self._common_val_batches
        if in_step and self._preemption.agreed():
            for hook in runner.hooks:
                if isinstance(hook, EMAHook):
                    hook.after_val_epoch(runner)  # gives the model its own weights back
            self._save_and_exit(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note that the validation of this step is part of the state."""
        self._validated_iter = runner.iter

    def after_val(self, runner: Runner) -> None:
        """Go on with the generators of training."""
        if self._before_val is not None:
            restore_generators(self._before_val)
            self._before_val = self._ranks = None

    def after_train(self, runner: Runner) -> None:
        """Remove what was saved at a signal; nothing is left to resume."""
        self._checkpoints.remove_preempted()

    def after_run(self, runner: Runner) -> None:
        """Give the signals back."""
        self._preemption.close()

    def gather_rank_states(self, runner: Runner) -> None:
        """Collect the states of all processes; called on each of them before a checkpoint is saved by the first.

        During a validation the states before it are kept. Behind it the generators are those before it, but not the
        buffers: training goes on with their mean over the processes, on which mmengine validates.
        """
        if self._before_val is not None and self._validated_iter != runner.iter:
            return
        own = capture_rank(runner, self._as_built)
        self._ranks = all_gather_object({**own, 'generators': self._before_val or own['generators']})

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Add this hook's part, unless the checkpoint is not for resuming."""
        if 'optimizer' not in checkpoint or self._batches is None:
            return
        ranks = self._ranks or [capture_rank(runner, self._as_built)]
        checkpoint[STATE_KEY] = dict(
            ranks=ranks,
            batches=self._num_batches,
            consumed=self._trained if checkpoint['meta']['epoch'] == self._epoch else 0,
            batch_size=self._batches.batch_size,
            samples=len(runner.train_loop.dataloader.dataset),
            optimizers=optimizer_types(runner.optim_wrapper),
            arithmetic=arithmetic_of(runner),
            data=self._digest(runner),
            pipeline=_pipeline(runner),
            validated=self._validated_iter == checkpoint['meta']['iter'],
            early_stopping=[{name: getattr(hook, name) for name in _EARLY_STOPPING} for hook in _stopping(runner)],
            stop_training=runner.train_loop.stop_training,
        )
        if self._before_val is None:
            self._ranks = None

    def _take_over_hooks(self, runner: Runner) -> None:
        for number, hook in enumerate(runner.hooks):
            if type(hook) is MMEngineCheckpointHook:
                runner.hooks[number] = hook = CheckpointHook.take_over(hook)
            elif type(hook) is MMEngineLoggerHook:
                runner.hooks[number] = LoggerHook.take_over(hook)
        savers = [hook for hook in runner.hooks if isinstance(hook, MMEngineCheckpointHook)]
        if not savers:
            savers = [MMEngineCheckpointHook()]
            savers[0].before_train(runner)
        # of a class of the user's, a copy saves at a signal, and nothing else
        first = savers[0]
        self._checkpoints = first if isinstance(first, CheckpointHook) else CheckpointHook.take_over(first)
        if not self._checkpoints.is_resumable(runner):
            name = 'save_param_scheduler' if first.save_optimizer else 'save_optimizer'
            runner.logger.warning(
                f'no run can resume from the regular checkpoints of this one ({name}=False of the CheckpointHook), but '
                f'from {PREEMPTED}, which a signal saves'
            )

    def _seed_data(self, runner: Runner) -> None:
        """Give the loop batches that follow from the seed, from its position on."""
        loop = runner.train_loop
        loader = getattr(loop, 'dataloader', None)
        counts_epochs = isinstance(loop, EpochBasedTrainLoop)
        if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
            runner.logger.warning(f'mmvidext.ExactResumeHook cannot resume the data of {type(loop).__name__}')
            return
        if not counts_epochs and not isinstance(loop, IterBasedTrainLoop):
            runner.logger.warning(f'ExactResumeHook knows no loop {type(loop).__name__}: its data begins anew')
            return
        seeds = [runner.seed]  # mmengine takes that of the checkpoint when it resumes
        broadcast_object_list(seeds)  # one for all, also with diff_rank_seed
        if runner.val_loop is not None:
            for one in loaders_of(runner.val_loop):
                shield_workers(one)
                share_batches(one)
            if not hasattr(runner.val_loop, 'dataloader'):
                name = type(runner.val_loop).__name__
                runner.logger.warning(f'ExactResumeHook knows no loop {name}: a signal waits for its end')
        share_batches(loader)
        cfg = runner.cfg.get('train_dataloader')
        loop.dataloader = seeded_loader(loader, cfg, seed=seeds[0], endless=not counts_epochs)
        self._batches = loop.dataloader.batch_sampler
        self._num_batches = len(self._batches)
        if counts_epochs:
            state = self.resumed or {}  # older ones have no count: their epochs are of equal length
            earlier = runner.epoch * state.get('batches', self._num_batches)
            self._consumed = state.get('consumed', max(0, runner.iter - earlier))
            self._number_batches(loop, self._batches)
        else:
            self._batches.start = runner.iter
            loop.dataloader_iterator = RemainingBatches(loop.dataloader, runner.iter)

    @staticmethod
    def _number_batches(loop: EpochBasedTrainLoop, batches: PlacedBatches) -> None:
        """Let the hooks of a run that goes on in the middle of an epoch get the batches with their own numbers.

        The loop numbers what it gets from 0 on, in the same method that hands the number to the hooks: nothing but this
        method of this loop comes between. A class of loops of ours would have to be named in every config, and would
        exclude the loops that users derive from mmengine's.
        """
        run_iter = loop.run_iter

        def run_numbered(number: int, batch: Any) -> None:
            run_iter(number + batches.start, batch)

        loop.run_iter = run_numbered

    def _resume(self, runner: Runner, state: dict[str, Any]) -> None:
        self._check_batches(runner, state)
        if changes := changed_arithmetic(arithmetic_of(runner), state.get('arithmetic', {})):
            _warn_of_inexact(runner, ', '.join(changes))
        _compare_pipelines(runner, state.get('pipeline'))
        restore_rank(runner, self._own(state))
        runner.message_hub.update_info('iter', runner.iter - 1)  # the last one, until the next one begins
        if not (self._checkpoints.by_epoch and self._consumed):
            self._checkpoints.note_earlier_save(runner)
        for hook, values in zip(_stopping(runner), state['early_stopping'], strict=False):
            for name in _EARLY_STOPPING:
                setattr(hook, name, values[name])
        runner.train_loop.stop_training = state['stop_training']
        if state['validated']:
            self._validated_iter = runner.iter

    def _digest(self, runner: Runner) -> str | None:
        if self._data_digest is None:  # once: it takes seconds for a large data set
            self._data_digest = data_digest(runner.train_loop.dataloader.dataset)
        return self._data_digest

    def _check_batches(self, runner: Runner, state: dict[str, Any]) -> None:
        if self._batches is None:
            return
        samples = len(runner.train_loop.dataloader.dataset)
        here = self._num_batches, self._batches.batch_size, get_world_size(), samples
        there = state['batches'], state['batch_size'], len(state['ranks']), state.get('samples', samples)
        names = ('batches of an epoch', 'samples of a batch', 'processes', 'samples of the data set')
        changes = [f'{a} {name} instead of {b}' for name, a, b in zip(names, here, there, strict=True) if a != b]
        if state.get('data') is not None and self._digest(runner) != state['data']:
            changes.append('other training data (samples, labels or their order)')
        if not changes:
            return
        if self._consumed > 0:
            raise RunError(
                f'{", ".join(changes)}: this checkpoint is from the middle of an epoch of other batches; resume from '
                'one of the end of an epoch, or with the batch size, processes and data that it was trained with'
            )
        _warn_of_inexact(runner, ', '.join(changes))

    def _own(self, state: dict[str, Any]) -> dict[str, Any]:
        ranks: list[dict[str, Any]] = state['ranks']
        if len(ranks) == get_world_size():
            return ranks[get_rank()]
        return dict(generators=capture_generators(), gradients=[], buffers={})

    def _validation_is_missing(self, runner: Runner, state: dict[str, Any]) -> bool:
        """Whether the run was killed between a checkpoint and the end of the validation that follows it."""
        if runner.val_loop is None or state['validated'] or self._batches is None or self._consumed > 0:
            return False
        return validation_follows(runner)

    def _save_and_exit(self, runner: Runner, iteration: int) -> NoReturn:
        if not (self._checkpoints.saved(iteration) and self._checkpoints.is_resumable(runner)):
            self._checkpoints.save_preempted(runner, epoch=runner.epoch, iteration=iteration)
        self._preemption.wait_for_all()
        self._preemption.ignore()
        runner.logger.warning(f'stopped by a signal after iteration {iteration}, to be resumed: exit {EXIT_RESUME_ME}')
        raise SystemExit(EXIT_RESUME_ME)


def _pipeline(runner: Runner) -> list[str]:
    return pipeline_steps((runner.cfg.get('train_dataloader') or {}).get('dataset'))


def _compare_pipelines(runner: Runner, before: list[str] | None) -> None:
    """Say which step of the training pipeline is another one than when the checkpoint was saved."""
    now = _pipeline(runner)
    if before is None or now == before:
        return
    here, there = next(pair for pair in zip_longest(now, before, fillvalue='no step') if pair[0] != pair[1])
    _warn_of_inexact(
        runner, f'the pipeline of train_dataloader is not that of the checkpoint: {here} instead of {there}'
    )


def _warn_of_inexact(runner: Runner, change: str) -> None:
    runner.logger.warning(f'{change}: the run resumes, but not as if it had never stopped')


def validation_follows(runner: Runner) -> bool:
    """Whether one of mmengine's loops validates after as many epochs, or iterations, as are finished."""
    loop: Any = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    done, last = (runner.epoch, runner.max_epochs) if by_epoch else (runner.iter, runner.max_iters)
    interval = loop.dynamic_intervals[bisect.bisect(loop.dynamic_milestones, done + 1) - 1]
    return bool(done >= loop.val_begin and (done % interval == 0 or done == last))


def checkpoint_directory(runner: Runner) -> Path | None:
    """Return where checkpoints will be saved, asked before training; None if that is not on this machine."""
    hook = next((hook for hook in runner.hooks if isinstance(hook, MMEngineCheckpointHook)), None)
    return checkpoint_folder(runner.work_dir, hook.out_dir if hook else None)


def _stopping(runner: Runner) -> list[EarlyStoppingHook]:
    return [hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook)]
