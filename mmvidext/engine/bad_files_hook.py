"""List in the work directory what training could not read."""

import logging
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvidext.engine.run_parts import loaders_of
from mmvidext.engine.whole_file import write_whole
from mmvidext.registry import HOOKS

__all__ = ['BadFilesHook']

_NAME = re.compile(r'bad_files(_rank[0-9]+)?\.txt')  # a copy under another name is not ours


@HOOKS.register_module()
class BadFilesHook(Hook):
    """Write ``bad_files.txt``: a line for each bad sample, its path, a tab and what is wrong with it.

    It holds what the training data sets of this package replaced, in every worker process, and is there too when too
    many bad files stop the run. The processes of a distributed training tell each other what they found, so that the
    budget is that of all; until they have, a process above the first keeps ``bad_files_rank1.txt`` and so on. A run
    that resumes takes the samples of these files for bad and does not read them again: delete a line to have a repaired
    file tried.

    What a run validates or tests on is never replaced, even if its config does not say ``test_mode=True``.

    Args:
        interval: After how many iterations the processes of a distributed training tell each other.
    """

    def __init__(self, *, interval: int = 100) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but is {interval}')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Find the data sets and, when resuming, what they could not read before."""
        rank = get_rank()
        self._path = Path(runner.work_dir, 'bad_files.txt' if rank == 0 else f'bad_files_rank{rank}.txt')
        loader = runner.train_dataloader
        self._datasets = list(_replacing(getattr(loader, 'dataset', None)))
        self._count = 0
        known: dict[str, str] = {}
        for path in Path(runner.work_dir).glob('bad_files*.txt'):
            if not _NAME.fullmatch(path.name):
                continue
            if runner._resume:
                known |= _read(path)
            elif rank == 0 and not path.is_dir():
                path.unlink(missing_ok=True)
        for dataset in self._datasets:
            dataset.remember(known)
        # an error that ends the run calls no hook
        self._at_the_end = weakref.finalize(runner, _write, self._path, self._datasets)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Write the list if it has grown."""
        if self.every_n_train_iters(runner, self.interval):
            self._share()
        count = sum(dataset.num_bad for dataset in self._datasets)
        if count != self._count:
            self._count = count
            _write(self._path, self._datasets)

    def before_val_epoch(self, runner: Runner) -> None:
        """Let a bad file be an error: the number would be of other samples."""
        _let_fail(runner.val_loop)

    def before_test_epoch(self, runner: Runner) -> None:
        """Likewise."""
        _let_fail(runner.test_loop)

    def after_train(self, runner: Runner) -> None:
        """Write the list and say how long it is."""
        self._share()
        if get_rank() > 0:  # the first process has it all
            self._at_the_end.detach()
            self._path.unlink(missing_ok=True)
        elif count := _write(self._path, self._datasets):
            text = f'{count} bad files were replaced in training; they are listed in {self._path}'
            print_log(text, logger='current', level=logging.WARNING)

    def _share(self) -> None:
        """Let each process know what the others found.

        Raises:
            BadFileError: If together they found too many; on all of them.
        """
        if get_world_size() == 1:
            return
        found = all_gather_object([dataset.bad_files() for dataset in self._datasets])
        for number, dataset in enumerate(self._datasets):
            together = {path: reason for rank in found for path, reason in rank[number].items()}
            dataset.remember({path: together[path] for path in together.keys() - dataset.bad_files().keys()})


def _let_fail(loop: Any) -> None:
    for loader in loaders_of(loop):
        for dataset in _replacing(loader.dataset):
            dataset.replaces_bad = False


def _replacing(dataset: Any) -> Iterator[Any]:
    """Find the data sets that replace bad files inside the wrappers of mmengine."""
    if hasattr(dataset, 'bad_files'):
        yield dataset
    elif dataset is not None:
        for part in [getattr(dataset, 'dataset', None), *getattr(dataset, 'datasets', ())]:
            yield from _replacing(part)


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():  # a FIFO would never end
        return {}
    lines = path.read_text('utf-8', 'replace').splitlines()
    return dict(line.split('\t', 1) for line in lines if '\t' in line)


def _write(path: Path, datasets: list[Any]) -> int:
    """Write the list in one step and return its length; no file is made for an empty one."""
    bad_files: dict[str, str] = {}
    for dataset in datasets:
        bad_files |= dataset.bad_files()
    if bad_files:
        try:
            write_whole(path, ''.join(f'{name}\t{bad_files[name]}\n' for name in sorted(bad_files)).encode())
        except OSError as error:
            print_log(f'{path} cannot be written: {error}', 'current', logging.WARNING)
    return len(bad_files)
