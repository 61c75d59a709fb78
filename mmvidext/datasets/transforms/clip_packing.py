"""Pack a clip and the label map of its last frame."""

from collections.abc import Sequence
from typing import Any

from mmseg.datasets.transforms import PackSegInputs

from mmvidext.datasets.transforms.clip_transforms import pop_frames, stack_frames
from mmvidext.registry import TRANSFORMS

__all__ = ['PackClipInputs']


@TRANSFORMS.register_module()
class PackClipInputs(PackSegInputs):
    """mmseg's ``PackSegInputs`` for clips: ``inputs`` is ``(T, 3, H, W)``, as loaded (BGR, ``uint8``).

    A single image ``img`` is a clip of one frame.

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
        results = dict(results)
        clip = stack_frames(pop_frames(results))
        packed = super().transform(results)
        packed['inputs'] = clip
        return packed
