"""List the bad files of a training in its work directory."""

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvidext.registry import HOOKS

__all__ = ['BadFilesHook']


@HOOKS.register_module()
class BadFilesHook(Hook):
    """Write ``bad_files.txt``: a line for each file that a training replaced, its path, a tab and the reason.

    It is written in one step, after each epoch or validation interval, with each checkpoint, and when the process ends,
    also by an error. All ranks add to the same file. A run that resumes reads it first, and each epoch reads what the
    other ranks found, so the limits of :class:`~mmvidext.datasets.media.policy.BadFilePolicy` hold for all of them
    together. Remove the file, or a line of it, to have repaired files read again.

    Args:
        filename: Of the list, in the work directory.
    """

    def __init__(self, filename: str = 'bad_files.txt') -> None:
        self.filename = filename
        self._write: Any = None

    def before_train(self, runner: Runner) -> None:
        """Begin; a new run in an old work directory forgets what an earlier one found."""
        path = Path(runner.work_dir, self.filename)
        datasets = list(_with_policy(runner.train_dataloader.dataset))
        if not runner._resume and runner.rank == 0:
            path.unlink(missing_ok=True)

        def write() -> None:
            for dataset in datasets:
                dataset.write_bad_files(path)

        self._write = write
        atexit.register(write)
        if runner._resume:
            self._recall(datasets, path)

    def before_train_epoch(self, runner: Runner) -> None:
        """Learn what the other ranks found."""
        if runner.world_size > 1:
            self._recall(_with_policy(runner.train_dataloader.dataset), Path(runner.work_dir, self.filename))

    def after_train_epoch(self, runner: Runner) -> None:
        """Write the list."""
        self._write()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Write the list."""
        if self._write is not None:
            self._write()

    def after_train(self, runner: Runner) -> None:
        """Write the list for the last time."""
        self._write()
        atexit.unregister(self._write)

    @staticmethod
    def _recall(datasets: Any, path: Path) -> None:
        for dataset in datasets:
            dataset.recall_bad_files(path)


def _with_policy(dataset: Any) -> Iterator[Any]:
    """Return the data sets that have a list of bad files, inside of mmengine's and mmaction2's wrappers."""
    if hasattr(dataset, 'write_bad_files'):
        yield dataset
    for inner in getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]:
        if inner is not None:
            yield from _with_policy(inner)
