"""Clips of Deep Feature Flow: which frame is the key frame, and which samples are key frames themselves."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ['key_and_current', 'propagation_distances', 'where_propagated']


def key_and_current(clips: Tensor, key_frame_interval: int) -> tuple[Tensor, Tensor | None]:
    """Return the last key frame and the last frame of clips.

    Args:
        clips: ``(N, T, 3, H, W)``. Each frame whose index is a multiple of the interval is a key frame.
        key_frame_interval: Every how many frames a key frame comes.

    Returns:
        Two frames ``(N, 3, H, W)``; the second is None where the last frame is a key frame itself.

    Raises:
        ValueError: If ``clips`` does not have 5 dimensions.
    """
    if clips.ndim != 5:
        raise ValueError(f'inputs must be clips (N, T, 3, H, W), 5 dimensions, but got {tuple(clips.shape)}')
    last = clips.shape[1] - 1
    key = last - last % key_frame_interval
    return clips[:, key], None if key == last else clips[:, last]


def propagation_distances(data_samples: Sequence[Any] | None, num: int) -> list[int | None]:
    """Return the ``propagation_distance`` of each of ``num`` samples, None where it is not known."""
    if data_samples is None:
        return [None] * num
    return [sample.metainfo.get('propagation_distance') for sample in data_samples]


def where_propagated(distances: Sequence[int | None], key: Tensor, propagated: Tensor) -> Tensor:
    """Keep the key frame's values for samples that are key frames themselves.

    Args:
        distances: Distance of each sample to its key frame; 0 is a key frame.
        key: ``(N, ...)``, of the key frames.
        propagated: The same shape.

    Returns:
        The same shape. Every part gets a gradient, though perhaps of zeros, as distributed training needs it.
    """
    if 0 not in distances:
        return propagated
    # filled on the device: a tensor made of a list would be copied there, and waited for
    is_key = torch.stack([key.new_full((), distance == 0, dtype=torch.bool) for distance in distances])
    return torch.where(is_key.view(-1, *[1] * (key.ndim - 1)), key, propagated)
