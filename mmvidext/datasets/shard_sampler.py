"""The order of a training on shards: random, and yet from one large file after the other."""

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvidext.datasets.media.shard_file import shard_of
from mmvidext.registry import DATA_SAMPLERS

__all__ = ['ShardSampler']


@DATA_SAMPLERS.register_module()
class ShardSampler(Sampler[int]):
    """Shuffle the shards, and the videos of neighboring shards, anew in each epoch.

    For training on lists that ``mmvidext data shard`` wrote. The shards are put in random order and each process takes
    a consecutive part of them, so that every video is read once an epoch and a process reads few of the files. The
    order depends on the seed, the epoch and the number of processes alone, as with mmengine's ``DefaultSampler``.

    Args:
        dataset: Of videos in shards, or a wrapper around such data sets.
        seed: Of the order; None draws one for all processes.
        num_mixed: Consecutive videos that are shuffled together; more videos are more random and more files at a time.

    Attributes:
        epoch: Of the next pass.

    Raises:
        ValueError: If a video of the data set is not in a shard, or ``num_mixed`` is not positive.
    """

    def __init__(self, dataset: Any, *, seed: int | None = None, num_mixed: int = 4096) -> None:
        if num_mixed < 1:
            raise ValueError(f'num_mixed must be 1 or more, but is {num_mixed}')
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.num_mixed = num_mixed
        self.epoch = 0
        shards = defaultdict(list)
        for index in range(len(dataset)):
            shards[shard_of(dataset.get_data_info(index)['filename'])].append(index)
        self._shards = [np.array(indices) for indices in shards.values()]
        self._num_samples = math.ceil(len(dataset) / self.world_size)

    def __len__(self) -> int:
        """Return the number of samples of this process in an epoch."""
        return self._num_samples

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this process."""
        generator = np.random.default_rng([self.seed, self.epoch])
        order = np.concatenate([self._shards[number] for number in generator.permutation(len(self._shards))])
        order = np.resize(order, self._num_samples * self.world_size)  # repeats the first, for equal parts
        own = order[self.rank * self._num_samples :][: self._num_samples]
        for start in range(0, len(own), self.num_mixed):
            yield from generator.permutation(own[start : start + self.num_mixed]).tolist()

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass, as mmengine's loops do."""
        self.epoch = epoch
