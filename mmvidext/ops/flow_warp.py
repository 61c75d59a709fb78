"""Backward warping of a feature map along optical flow."""

from itertools import product

import torch
from torch import Tensor

from mmvidext.ops._non_finite_cells import is_known_to_spread
from mmvidext.ops.bilinear import sample_bilinear
from mmvidext.ops.checks import check_rank

__all__ = ['flow_warp']

PADDING_MODES = ('zeros', 'border')


def flow_warp(feature: Tensor, flow: Tensor, *, padding_mode: str = 'zeros') -> Tensor:
    """Sample ``feature`` where ``flow`` points to: ``out(p) = feature(p + flow(p))``, bilinear.

    The warp of Deep Feature Flow (section 3.2, eq. 3), with the borders of its official code: each of the four
    neighbors outside the map counts as zero. Zero flow is the exact identity, for every size. The usual way around
    ``grid_sample`` is not: it divides by ``size - 1`` and multiplies by it again, and both round.

    Args:
        feature: ``(N, C, H, W)``.
        flow: ``(N, 2, H, W)``, in pixels of ``feature``, order ``(x, y)``.
        padding_mode: What lies outside the map: ``'zeros'``, or ``'border'`` (the nearest pixel inside).

    Returns:
        ``(N, C, H, W)`` in the dtype of ``feature``; NaN where the flow is. Positions are computed in float32 at least.
        An infinity or a NaN in ``feature`` reaches the pixels that it has a weight for. On a GPU, in a compiled model
        and in ``torch.func.vmap`` also those that look at the pixel above it, to its left or both, and at whole rows or
        columns: they are NaN, because ``grid_sample`` adds this neighbor with weight zero. With zero flow these are the
        three pixels before it. To look for it would mean to wait for the device, and to leave it out eight times the
        launches.

    Raises:
        ValueError: If a shape does not fit, or ``padding_mode`` is neither of the two.

    Example:
        >>> import torch
        >>> from mmvidext.ops import flow_warp
        >>> feature = torch.arange(4.0).view(1, 1, 1, 4)
        >>> flow = torch.zeros(1, 2, 1, 4)
        >>> flow[:, 0] = 1  # every pixel looks one to its right
        >>> flow_warp(feature, flow)
        tensor([[[[1., 2., 3., 0.]]]])
    """
    check_rank(feature, '(N, C, H, W)', name='feature')
    check_rank(flow, '(N, 2, H, W)', name='flow')
    num, _, height, width = feature.shape
    if tuple(flow.shape) != (num, 2, height, width):
        raise ValueError(
            f'flow must be (N, 2, H, W) with the N, H, W of feature, ({num}, 2, {height}, {width}), but it is '
            f'{tuple(flow.shape)}; resize it to the size of feature first, and scale its vectors accordingly'
        )
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be 'zeros' or 'border', not {padding_mode!r}")
    dtype = torch.promote_types(torch.promote_types(feature.dtype, flow.dtype), torch.float32)
    x = torch.arange(width, dtype=dtype, device=flow.device) + flow[:, 0].to(dtype)
    y = torch.arange(height, dtype=dtype, device=flow.device).unsqueeze(1) + flow[:, 1].to(dtype)
    # from two pixels outside on all is zero; farther off, coordinates may overflow on their way through grid_sample
    reach = 0 if padding_mode == 'border' else 2
    x, y = x.clamp(-reach, width - 1 + reach), y.clamp(-reach, height - 1 + reach)
    sample = _sample_by_corners if is_known_to_spread(feature) else sample_bilinear
    return sample(feature.to(dtype), x, y).to(feature.dtype)


def _sample_by_corners(feature: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Compute what ``sample_bilinear`` does, several times slower; a neighbor of weight zero does not count."""
    channels, height, width = feature.shape[1:]
    left, top = x.floor(), y.floor()
    out = torch.zeros_like(feature)
    for corner_y, corner_x in product((top, top + 1), (left, left + 1)):
        weight = ((1 - (x - corner_x).abs()) * (1 - (y - corner_y).abs())).unsqueeze(1)
        inside = (corner_x >= 0) & (corner_x < width) & (corner_y >= 0) & (corner_y < height)
        place = torch.where(inside, corner_y * width + corner_x, 0).long()
        index = place.flatten(1).unsqueeze(1).expand(-1, channels, -1)
        corner = feature.flatten(2).gather(2, index).view_as(feature)
        counts = inside.unsqueeze(1) & ((weight != 0) | corner.isfinite())
        out = out + weight * torch.where(counts, corner, 0)
    return out
