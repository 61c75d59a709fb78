"""Batches that worker processes hand over, or an error where they cannot."""

import os
from collections.abc import Callable
from functools import partial
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader, get_worker_info

__all__ = ['ShareBatchesHook', 'SharingRunner', 'share_batches']

resource: Any
try:
    import resource
except ImportError:  # not on Windows
    resource = None

_OTHER_FILES = 16


def share_batches(loader: DataLoader[Any]) -> None:
    """Let the workers that a loader will start put each batch into shared memory themselves.

    Otherwise a thread of theirs does it, whose errors reach nobody: where there is no room, or the batch cannot be
    pickled, the batch is lost, and the main process waits for it in vain.
    """
    if getattr(loader.collate_fn, 'func', None) is not _collate:
        loader.collate_fn = partial(_collate, loader.collate_fn)


def _collate(collate: Callable[[Any], Any], samples: Any) -> Any:
    batch = collate(samples)
    if get_worker_info() is not None:
        with Path(os.devnull).open('wb') as nowhere:
            sharing = _Sharing(nowhere, 5)
            sharing.dump(batch)
        _check_files(len(sharing.shared))
    return batch


def _check_files(needed: int) -> None:
    """Check that as many files can be opened as the queue opens once more, and some to answer the main process.

    Raises:
        RuntimeError: If not: the worker could not answer, and the main process would wait.
    """
    descriptors = Path('/proc/self/fd')
    if resource is None or not descriptors.exists():
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if len(os.listdir(descriptors)) + needed + _OTHER_FILES > limit:
        raise RuntimeError(f'Too many open files: a batch of {needed} tensors, but the limit is {limit}')


class SharingRunner(Runner):
    """A runner whose loaders share their batches."""

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader[Any]:
        """Build a loader as mmengine does."""
        loader = Runner.build_dataloader(*args, **kwargs)
        share_batches(loader)
        return loader


class ShareBatchesHook(Hook):
    """Lets the loaders of a runner that is not ours share their batches; a loop by iterations has begun before."""

    def before_train(self, runner: Any) -> None:
        """Change the loaders before the first epoch."""
        for loop in (runner.train_loop, runner.val_loop):
            if loop is not None:
                share_batches(loop.dataloader)

    def before_test(self, runner: Any) -> None:
        """Change the loader before it is read."""
        share_batches(runner.test_loop.dataloader)


class _Sharing(ForkingPickler):
    """Moves the tensors of what it pickles into shared memory, where they stay; what it writes is of no use."""

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.shared: set[int] = set()

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device.type == 'cpu' and value.layout == torch.strided:
            self.shared.add(value.untyped_storage().share_memory_().data_ptr())
            return float, ()
        return NotImplemented
