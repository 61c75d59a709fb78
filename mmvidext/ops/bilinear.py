"""Bilinear sampling at pixel positions, exact at whole pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['sample_bilinear']


def sample_bilinear(feature: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Sample ``feature`` at pixel positions, zero outside, without a rounding at whole pixels.

    ``grid_sample`` maps a normalized coordinate ``g`` to the pixel ``((g + 1) * size - 1) / 2``. Where ``size`` is a
    power of two this undoes ``g = (2 * pixel + 1) / size - 1`` without a rounding, so the map is filled up to one with
    zeros, which is what lies outside anyway.

    Args:
        feature: ``(N, C, H, W)``.
        x: Columns in pixels, ``(N, H', W')``, in the dtype of ``feature``.
        y: Rows in pixels, of the same shape.

    Returns:
        ``(N, C, H', W')``.

    Example:
        >>> import torch
        >>> from mmvidext.ops.bilinear import sample_bilinear
        >>> feature = torch.tensor([[[[0.0, 10.0, 20.0]]]])
        >>> sample_bilinear(feature, torch.tensor([[[0.5, 2.0, 7.0]]]), torch.zeros(1, 1, 3))
        tensor([[[[ 5., 20.,  0.]]]])
    """
    height, width = feature.shape[-2:]
    full_height, full_width = _next_power_of_two(height), _next_power_of_two(width)
    if (full_height, full_width) != (height, width):
        feature = F.pad(feature, (0, full_width - width, 0, full_height - height))
    grid = torch.stack(((2 * x + 1) / full_width - 1, (2 * y + 1) / full_height - 1), dim=-1)  # (N, H', W', 2)
    return F.grid_sample(feature, grid, mode='bilinear', padding_mode='zeros', align_corners=False)


def _next_power_of_two(size: int) -> int:
    power = 1
    while power < size:
        power *= 2
    return power
