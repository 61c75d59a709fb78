"""Bilinear sampling at pixel positions, exact at whole pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['sample_bilinear']

_LARGEST_EXPONENT = 20  # of a height or a width, in pixels


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
    is_recorded = torch.jit.is_tracing() or torch.compiler.is_exporting()  # for every size: nothing may be asked of it
    fill_up = _recorded_power_of_two if is_recorded else _next_power_of_two
    full_height, full_width = fill_up(height), fill_up(width)
    if is_recorded or (full_height, full_width) != (height, width):
        feature = F.pad(feature, (0, full_width - width, 0, full_height - height))
    grid = torch.stack(((2 * x + 1) / full_width - 1, (2 * y + 1) / full_height - 1), dim=-1)  # (N, H', W', 2)
    return F.grid_sample(feature, grid, mode='bilinear', padding_mode='zeros', align_corners=False)


def _next_power_of_two(size: int) -> int:
    power = 1
    while power < size:
        power *= 2
    return power


def _recorded_power_of_two(size: int) -> int:
    """Return the same, up to 2**20, without a loop or a comparison, which would be recorded for one size only.

    It is 1, and each power below ``size``, added up: the quotient is 1 for these, and 0 for the others.
    """
    powers = [2**exponent for exponent in range(_LARGEST_EXPONENT)]
    return 1 + sum(power * ((size - power + 2 * powers[-1] - 1) // (2 * powers[-1])) for power in powers)
