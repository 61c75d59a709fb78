"""Apply the transforms of mmcv, mmseg and mmdet to a clip, the same to every frame."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from torch import Tensor

from mmvidext.generators import generator_states, set_generator_states
from mmvidext.registry import TRANSFORMS

__all__ = ['ClipTransform', 'pop_frames', 'stack_frames']


@TRANSFORMS.register_module()
class ClipTransform(BaseTransform):
    """Run image transforms on every frame of ``imgs`` with the same random draws.

    The transforms see one frame at a time as ``img``, with the label (``gt_seg_map``, ``gt_bboxes``) if it is loaded
    already. The random states of NumPy, Python and torch are put back before each frame, and generators that a
    transform has of its own (Albumentations) are copied with it, so that all frames are treated alike. Crops that look
    at the label see the same label for each frame. A single image ``img`` is a clip of one frame.

    A transform that gives up a frame by returning None, as mmdet's ``RandomCrop`` and ``FilterAnnotations`` may, gives
    up the clip: in training the data set draws another sample.

    Args:
        transforms: Configs of the transforms, for example ``[dict(type='RandomCrop', crop_size=(512, 1024))]``.
    """

    def __init__(self, transforms: Sequence[dict[str, Any] | Callable[[dict], dict]]) -> None:
        self.transforms = Compose(list(transforms))

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Transform ``imgs``; label and meta information are those of the last frame. None for a clip given up."""
        *earlier, last = pop_frames(results)
        states = generator_states()
        frames = []
        for image in earlier:
            transforms = copy.deepcopy(self.transforms)
            frames.append(transforms({**copy.deepcopy(results), 'img': image}))
            set_generator_states(states)
        frames.append(self.transforms({**results, 'img': last}))
        if any(frame is None for frame in frames):
            return None
        images = [frame.pop('img') for frame in frames]
        return {**frames[-1], 'imgs': images}


def pop_frames(results: dict[str, Any]) -> list[np.ndarray]:
    """Take the frames out of a sample; an image is a clip of one frame."""
    return results.pop('imgs') if 'imgs' in results else [results.pop('img')]


def stack_frames(frames: Sequence[np.ndarray]) -> Tensor:
    """Return frames ``(H, W, 3)`` as a clip ``(T, 3, H, W)``."""
    return torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in frames]))
