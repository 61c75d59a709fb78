"""The order of an evaluation: whole videos for each process."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmvidext.registry import DATA_SAMPLERS

__all__ = ['VideoSampler']


@DATA_SAMPLERS.register_module()
class VideoSampler(Sampler[int]):
    """Give each process whole videos, one after the other, about as many frames as every other.

    A model that keeps the features of the last key frame then computes each key frame once. No sample is repeated to
    make the parts equal: the metric must take parts of any size, as ``VIDMetric`` does.

    Args:
        dataset: Its samples say ``video_id`` and are in order.
        seed: Unused, part of mmengine's contract: nothing is random.
    """

    def __init__(self, dataset: Any, *, seed: int | None = None) -> None:
        rank, world_size = get_dist_info()
        total = len(dataset)
        self._indices: list[int] = []
        for _, group in groupby(range(total), key=lambda index: dataset.get_data_info(index)['video_id']):
            video = list(group)
            if (video[0] + video[-1] + 1) * world_size // (2 * total) == rank:  # where its middle lies
                self._indices += video

    def __len__(self) -> int:
        """Return the number of samples of this process."""
        return len(self._indices)

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this process."""
        return iter(self._indices)
