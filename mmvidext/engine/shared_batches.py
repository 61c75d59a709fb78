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
from torch.multiprocessing import get_sharing_strategy
from torch.utils.data import DataLoader, get_worker_info

from mmvidext.engine.run_parts import loaders_of

__all__ = ['ShareBatchesHook', 'SharingRunner', 'share_batches']

resource: Any
try:
    import resource
except ImportError:  # not on Windows
    resource = None

_FILES = 65_536
_OTHER_FILES = 16


def share_batches(loader: DataLoader[Any]) -> None:
    """Let the workers that a loader will start put each batch into shared memory themselves.

    Otherwise a thread of theirs does it, whose errors reach nobody: where there is no room, or the batch cannot be
    pickled, the batch is lost, and the main process waits for it in vain.

    Each tensor on its way is an open file, so this process, and the workers after it, may from now on open 65,536
    files instead of the usual 1,024, or as many as the hard limit allows.
    """
    _raise_limit_of_files()
    if getattr(loader.collate_fn, 'func', None) is not _collate:
        loader.collate_fn = partial(_collate, loader.collate_fn)


def _raise_limit_of_files() -> None:
    if resource is None:
        return
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _collate(collate: Callable[[Any], Any], samples: Any) -> Any:
    batch = collate(samples)
    if get_worker_info() is not None:
        with Path(os.devnull).open('wb') as nowhere:
            sharing = _Sharing(nowhere, 5)
            sharing.dump(batch)
        _check_files(len(sharing.shared))
    return batch


def _check_files(needed: int) -> None:
    """Check that there is room for the files of three more batches, and for some to answer the main process.

    The queue opens those of this batch once more, perhaps also those of the one before, while the next one is made.

    Raises:
        RuntimeError: If not: the worker could not answer, and the main process would wait.
    """
    descriptors = Path('/proc/self/fd')
    if resource is None or not descriptors.exists() or get_sharing_strategy() != 'file_descriptor':
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if len(os.listdir(descriptors)) + 3 * needed + _OTHER_FILES > limit:
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
                for loader in loaders_of(loop):
                    share_batches(loader)

    def before_test(self, runner: Any) -> None:
        """Change the loaders before they are read."""
        for loader in loaders_of(runner.test_loop):
            share_batches(loader)


class _Sharing(ForkingPickler):
    """Moves the tensors of what it pickles into shared memory, where they stay; what it writes is of no use."""

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.shared: set[int] = set()

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device.type == 'cpu' and value.layout == torch.strided:
            if value.requires_grad and not value.is_leaf:
                raise RuntimeError('a batch has a tensor with a gradient function, which the queue refuses: detach it')
            self.shared.add(value.untyped_storage().share_memory_().data_ptr())
            return float, ()
        return NotImplemented
