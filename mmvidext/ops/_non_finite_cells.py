"""Keep what is not finite in one cell out of sums and products over many cells."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops._known_values import is_known

__all__ = ['gradients_in_place', 'is_known_to_spread']


def is_known_to_spread(feature: Tensor) -> bool:
    """Whether a map is known to hold what is not finite."""
    return is_known(lambda: not math.isfinite(feature.detach().sum()), feature)


def gradients_in_place(
    backward: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    feat1: Tensor,
    feat2: Tensor,
    max_displacement: int,
    dilation: int,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of a correlation's maps: NaN where they depend on what is not finite, and exact elsewhere.

    It does not wait for the device to find out whether there is such a cell.

    Args:
        backward: Computes both gradients from both maps; it gets them without what is not finite.
        feat1: ``(N, C, H, W)``.
        feat2: ``(N, C, H, W)``.
        max_displacement: d, in steps of ``dilation`` cells.
        dilation: Cells between neighboring displacements.
    """
    if not feat1.numel():
        return backward(feat1, feat2)
    maps = torch.cat([feat1, feat2])  # both at once: each launch costs
    grad1, grad2 = backward(*maps.nan_to_num(0, 0, 0).chunk(2))
    size, reach = 2 * max_displacement + 1, max_displacement * dilation
    near = maps * 0  # zero or NaN, which the largest of a window hands on
    if dilation > 1:  # then max_pool2d does not pad so far
        near, reach = F.pad(near, (reach,) * 4), 0
    near = F.max_pool2d(near, (size, 1), 1, (reach, 0), (dilation, 1))  # rows, then columns: 2P cells, not P*P
    near1, near2 = F.max_pool2d(near, (1, size), 1, (0, reach), (1, dilation)).chunk(2)
    return grad1.add_(near2), grad2.add_(near1)
