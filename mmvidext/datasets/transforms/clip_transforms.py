"""Apply the transforms of mmcv and mmseg to a clip, the same to every frame, and pack the clip."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmseg.datasets.transforms import PackSegInputs

from mmvidext.registry import TRANSFORMS

__all__ = ['ClipTransform', 'PackClipInputs']


@TRANSFORMS.register_module()
class ClipTransform(BaseTransform):
    """Run image transforms on every frame of ``imgs`` with the same random draws.

    The transforms see one frame at a time as ``img``, with the label as ``gt_seg_map`` if it is loaded already. NumPy's
    random state is put back before each frame, so that resizing, cropping, flipping, rotating and colour jitter,
    mmcv's, mmseg's or your own, treat all frames alike. Crops that look at the label see the same label for each frame.

    Args:
        transforms: Configs of the transforms, for example ``[dict(type='RandomCrop', crop_size=(512, 1024))]``.
    """

    def __init__(self, transforms: Sequence[dict[str, Any] | Callable[[dict], dict]]) -> None:
        self.transforms = Compose(list(transforms))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Transform ``imgs``; label and meta information are those of the last frame."""
        images = results.pop('imgs')
        state = np.random.get_state()
        frames = []
        for image in images:
            np.random.set_state(state)
            frame = self.transforms({**copy.deepcopy(results), 'img': image})
            frames.append(frame.pop('img'))
        frame['imgs'] = frames
        return frame


@TRANSFORMS.register_module()
class PackClipInputs(PackSegInputs):
    """mmseg's ``PackSegInputs`` for clips: ``inputs`` is ``(T, 3, H, W)``, as loaded (BGR, ``uint8``).

    Args:
        meta_keys: Entries that travel in the sample's meta information.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_path',
            'seg_map_path',
            'video',
            'frame_index',
            'propagation_distance',
            'ori_shape',
            'img_shape',
            'pad_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'reduce_zero_label',
        ),
    ) -> None:
        super().__init__(meta_keys=tuple(meta_keys))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        clip = np.stack([image.transpose(2, 0, 1) for image in results['imgs']])
        packed = super().transform({key: value for key, value in results.items() if key != 'imgs'})
        packed['inputs'] = torch.from_numpy(clip)
        return packed
