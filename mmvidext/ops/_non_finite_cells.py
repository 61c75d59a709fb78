"""Keep what is not finite in one cell out of products over many cells, without waiting for the device to find it."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['finite_part', 'mark_near']


def finite_part(feat: Tensor) -> Tensor:
    """Return ``feat`` with zeros for what is not finite."""
    return torch.where(feat.isfinite(), feat, feat.new_zeros(()))


def mark_near(grad: Tensor, other: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Return the gradient of one map of a correlation, NaN where it depends on what is not finite in the other map.

    Args:
        grad: ``(N, C, H, W)``, computed with the finite part of ``other``.
        other: ``(N, C, H, W)``.
        max_displacement: d, in steps of ``dilation`` cells.
        dilation: Cells between neighboring displacements.
    """
    if not grad.numel():
        return grad
    size, reach = 2 * max_displacement + 1, max_displacement * dilation
    near = F.pad((~other.isfinite()).to(grad.dtype), (reach,) * 4)
    near = F.max_pool2d(near, (size, 1), 1, dilation=(dilation, 1))  # rows, then columns: 2P cells, not P*P
    near = F.max_pool2d(near, (1, size), 1, dilation=(1, dilation))
    return grad.masked_fill(near > 0, float('nan'))
