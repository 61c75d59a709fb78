"""Local correlation one displacement at a time: slow, and exact where values are not finite.

A product over a tile multiplies every cell with the zeros around the wanted ones, and zero times infinity is NaN. Here
a score depends on its two cells only.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from mmvidext.ops.precision import accumulation_dtype

__all__ = ['correlate_by_shifts', 'correlate_by_shifts_backward']


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    """Return where an axis overlaps with itself moved by ``shift``: places in the first map and in the second."""
    return slice(max(-shift, 0), size - max(shift, 0)), slice(max(shift, 0), size - max(-shift, 0))


def _shifts(
    shape: torch.Size, max_displacement: int, dilation: int
) -> Iterator[tuple[tuple[int, int], tuple[slice, slice], tuple[slice, slice]]]:
    """Yield each displacement that stays inside of ``(N, C, H, W)``: index, place in the first and second map."""
    height, width = shape[2:]
    steps = range(-max_displacement, max_displacement + 1)
    for row, dy in enumerate(steps):
        for column, dx in enumerate(steps):
            if abs(dy) * dilation < height and abs(dx) * dilation < width:
                (y1, y2), (x1, x2) = _overlap(height, dy * dilation), _overlap(width, dx * dilation)
                yield (row, column), (y1, x1), (y2, x2)


def correlate_by_shifts(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Compute what ``correlate`` of the tiles does."""
    (count, _, height, width), size = feat1.shape, 2 * max_displacement + 1
    dtype = accumulation_dtype(feat1)
    out = feat1.new_zeros(count, height, width, size, size)
    for (row, column), (y1, x1), (y2, x2) in _shifts(feat1.shape, max_displacement, dilation):
        product = feat1[:, :, y1, x1].to(dtype) * feat2[:, :, y2, x2].to(dtype)
        out[:, y1, x1, row, column] = product.sum(1).to(out.dtype)
    return out


def correlate_by_shifts_backward(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int
) -> tuple[Tensor, Tensor]:
    """Compute what ``correlate_backward`` of the tiles does."""
    dtype = accumulation_dtype(feat1)
    grad1, grad2 = torch.zeros_like(feat1, dtype=dtype), torch.zeros_like(feat2, dtype=dtype)
    for (row, column), (y1, x1), (y2, x2) in _shifts(feat1.shape, max_displacement, dilation):
        outer = grad[:, y1, x1, row, column].unsqueeze(1).to(dtype)
        grad1[:, :, y1, x1] += outer * feat2[:, :, y2, x2]
        grad2[:, :, y2, x2] += outer * feat1[:, :, y1, x1]
    return grad1.to(feat1.dtype), grad2.to(feat2.dtype)
