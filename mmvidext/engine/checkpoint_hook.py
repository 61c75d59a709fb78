"""mmengine's ``CheckpointHook``, whose files are whole or not there."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvidext.engine.resume_point import is_checkpoint_name
from mmvidext.engine.run_error import RunError
from mmvidext.engine.whole_file import WholeFileBackend, remove_lone_checksums, write_whole
from mmvidext.registry import HOOKS

__all__ = ['PREEMPTED', 'CheckpointHook']

PREEMPTED = 'preempted.pth'  # saved when the run was told to stop, removed with the next checkpoint to resume from


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """Save checkpoints as mmengine's hook does, with the same arguments, but safely.

    - A file is written beside its name, flushed and renamed, its SHA-256 beside it (on a local disk). Not those of
      ``published_keys``, which mmengine writes after the training.
    - An old file is removed after the new one is whole, and never one outside the directory of the checkpoints.
    - ``last_checkpoint`` is written last, in one step.
    - The checkpoint of a step is saved again after the validation of that step, so that a resumed run knows its
      result; a run killed in between validates again.
    - ``save_best`` that names none of the metrics of a validation ends the run, and says which there are.

    Args:
        *args: See mmengine's ``CheckpointHook``.
        **kwargs: Likewise.
    """

    last_ckpt: str | None
    backend_args: dict[str, Any] | None
    file_backend: Any
    key_indicators: list[str]
    _saved_iter: int | None = None  # the iteration at which the last regular checkpoint was saved

    @classmethod
    def take_over(cls, stock: MMEngineCheckpointHook) -> 'CheckpointHook':
        """Return a hook that goes on in the place of mmengine's."""
        hook = cls.__new__(cls)
        hook.__dict__.update(vars(stock))
        hook._write_whole_files()
        return hook

    def before_train(self, runner: Runner) -> None:
        """Find the directory, see mmengine's hook."""
        super().before_train(runner)
        self._write_whole_files()

    def saved(self, iteration: int) -> bool:
        """Whether there is a checkpoint of the state after so many iterations."""
        return self._saved_iter == iteration

    def is_resumable(self, runner: Runner) -> bool:
        """Whether a run can resume from its regular checkpoints."""
        return self.save_optimizer and (self.save_param_scheduler or not runner.param_schedulers)

    def note_earlier_save(self, runner: Runner) -> None:
        """Note whether the run that this one goes on with has saved the checkpoint of this step."""
        step = runner.epoch if self.by_epoch else runner.iter
        path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))
        if self.file_backend.isfile(path):
            self._saved_iter = runner.iter

    def remove_preempted(self) -> None:
        """Remove what was saved at a signal."""
        self._remove(self.file_backend.join_path(self.out_dir, PREEMPTED))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Save the best checkpoint, and then remove the one that was the best."""
        before, last = self._best_paths(), self.last_ckpt
        if before:
            self._set_best_paths({})  # mmengine's hook would remove it first
        self.last_ckpt = None  # nor shall it save the last one already, before all hooks know the result
        try:
            super().after_val_epoch(runner, metrics or {})
        finally:
            self.last_ckpt = last
            after = {**before, **self._best_paths()}
            if before:
                self._set_best_paths(after)
        for key, path in before.items():
            if after[key] != path:
                self._remove(path)

    def after_val(self, runner: Runner) -> None:
        """Save the checkpoint of this step again, now that the validation is part of the state."""
        if self.saved(runner.iter):
            step = runner.epoch if self.by_epoch else runner.iter
            self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=runner.iter))

    def save_preempted(self, runner: Runner, *, epoch: int, iteration: int) -> str:
        """Save the state at any moment, to resume from; called on every process.

        Args:
            runner: The runner.
            epoch: Finished epochs.
            iteration: Finished iterations.

        Returns:
            The file.
        """
        runner.call_hook('gather_rank_states')
        self._save(runner, PREEMPTED, dict(epoch=epoch, iter=iteration), whole_state=True)
        path = self.file_backend.join_path(self.out_dir, PREEMPTED)
        if is_main_process():
            self._name_last(runner, path)
        return path

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        for key in self.key_indicators if self.save_best else ():
            if key != 'auto' and key not in metrics:
                raise RunError(
                    f'save_best={key!r} of the CheckpointHook is none of the metrics of this validation: '
                    f'{", ".join(metrics)}. Name one of them, then resume'
                )
        with self._naming_what_is_lost('the best checkpoint'):
            super()._save_best_checkpoint(runner, metrics)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        outdated = self._keep(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.call_hook('gather_rank_states')
        self._save(runner, name, meta)
        self._saved_iter = meta['iter']
        if is_main_process():
            self._name_last(runner, self.last_ckpt)
            for other in (*outdated, *([PREEMPTED] if self.is_resumable(runner) else [])):
                self._remove(self.file_backend.join_path(self.out_dir, other))

    def _keep(self, runner: Runner, step: int) -> list[str]:
        """Note the step as one to keep; return the names of those that are now too many."""
        if self.max_keep_ckpts <= 0 or step in self.keep_ckpt_ids:
            return []
        ids = [*self.keep_ckpt_ids, step]
        self.keep_ckpt_ids.append(step)  # which drops the oldest: its length is bounded
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return [self.filename_tmpl.format(one) for one in ids if one not in self.keep_ckpt_ids]

    def _save(self, runner: Runner, name: str, meta: dict[str, Any], *, whole_state: bool = False) -> None:
        with self._naming_what_is_lost(name):
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer or whole_state,
                save_param_scheduler=self.save_param_scheduler or whole_state,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )

    @contextmanager
    def _naming_what_is_lost(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f'{name} cannot be written to {self.out_dir}: {error}. The checkpoints before it are whole: mend '
                'that, then resume'
            ) from error

    def _name_last(self, runner: Runner, path: str) -> None:
        """Write ``last_checkpoint``, for other tools: resuming looks at the checkpoints themselves."""
        try:
            write_whole(Path(runner.work_dir) / 'last_checkpoint', os.fsencode(path))
        except OSError as error:
            runner.logger.warning(f'last_checkpoint does not name {path}, which is whole: {error}')

    def _write_whole_files(self) -> None:
        if self.file_client_args is None and self.backend_args is None and isinstance(self.file_backend, LocalBackend):
            self.backend_args = dict(backend='whole_file')
            self.file_backend = WholeFileBackend()
            if is_main_process():  # mmengine's hook has just removed those that are too many, without theirs
                remove_lone_checksums(Path(self.out_dir), partial(is_checkpoint_name, filename_tmpl=self.filename_tmpl))

    def _best_paths(self) -> dict[str, str]:
        """Return the best files so far, by metric."""
        paths = getattr(self, 'best_ckpt_path_dict', None) or {'': getattr(self, 'best_ckpt_path', None)}
        return {key: path for key, path in paths.items() if path}

    def _set_best_paths(self, paths: dict[str, str]) -> None:
        if hasattr(self, 'best_ckpt_path_dict'):
            self.best_ckpt_path_dict.update({key: paths.get(key) for key in self.best_ckpt_path_dict})
        else:
            self.best_ckpt_path = paths.get('')

    def _remove(self, path: str) -> None:
        if is_main_process() and Path(path).parent == Path(self.out_dir) and self.file_backend.isfile(path):
            try:
                self.file_backend.remove(path)
            except OSError as error:  # somebody protected it, or removed it at this moment
                print_log(f'{path} is kept, because it cannot be removed: {error}', 'current', logging.WARNING)
