"""Flip and crop image pairs together with their flow."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvidext.ops.checks import check_between, check_numbers
from mmvidext.registry import TRANSFORMS

__all__ = ['FlowPairCrop', 'FlowPairFlip']

AXES = {'horizontal': 1, 'vertical': 0}
MAPS = ('img1', 'img2', 'gt_flow', 'gt_valid', 'gt_occluded')


@TRANSFORMS.register_module()
class FlowPairFlip(BaseTransform):
    """Mirror a pair; the flow's component along the mirrored axis changes its sign.

    Args:
        prob: Probability of a flip.
        direction: ``'horizontal'`` or ``'vertical'``.

    Raises:
        ValueError: If ``direction`` is neither of the two or ``prob`` is not a probability.
    """

    def __init__(self, prob: float = 0.5, *, direction: str = 'horizontal') -> None:
        if direction not in AXES:
            raise ValueError(f"direction must be 'horizontal' or 'vertical', not {direction!r}")
        check_between(prob, 0, 1, name='prob')
        self.prob = prob
        self.direction = direction

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mirror images, flow and masks with the given probability."""
        if np.random.rand() >= self.prob:
            return results
        axis = AXES[self.direction]
        for key in results.keys() & MAPS:
            results[key] = np.flip(results[key], axis)
        if 'gt_flow' in results:
            sign = np.array([-1, 1] if axis == 1 else [1, -1], np.float32)
            results['gt_flow'] = results['gt_flow'] * sign
        return results


@TRANSFORMS.register_module()
class FlowPairCrop(BaseTransform):
    """Cut the same random window from both images, flow and masks.

    Args:
        crop_size: ``(height, width)``.

    Raises:
        ValueError: If the window is not two whole numbers from 1 on, or a pair is smaller.
    """

    def __init__(self, crop_size: tuple[int, int]) -> None:
        check_numbers(crop_size, 1, 1e6, name='crop_size', form='(height, width)', count=2, whole=True)
        self.crop_size = crop_size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Cut the window."""
        height, width = results['img1'].shape[:2]
        crop_height, crop_width = self.crop_size
        if height < crop_height or width < crop_width:
            raise ValueError(
                f'crop_size is {tuple(self.crop_size)} (height, width), but the pair is only {(height, width)}: '
                f'{results.get("img1_path", "")}'
            )
        top = np.random.randint(height - crop_height + 1)
        left = np.random.randint(width - crop_width + 1)
        for key in results.keys() & MAPS:
            results[key] = results[key][top : top + crop_height, left : left + crop_width]
        return results
