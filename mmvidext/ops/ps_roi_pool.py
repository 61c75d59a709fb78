"""Position-sensitive RoI pooling."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops._non_finite_cells import is_known_to_spread
from mmvidext.ops.bbox_overlaps import check_boxes, usable_rois
from mmvidext.ops.checks import check_at_least, check_positive, check_rank

__all__ = ['ps_roi_pool']

_LEAST_SIZE = 0.1  # of a box, in pixels of the map


def ps_roi_pool(feature: Tensor, rois: Tensor, output_size: int, *, spatial_scale: float = 1.0) -> Tensor:
    """Average each bin of a box over channels of its own (R-FCN, Dai et al., NIPS 2016, eq. 1).

    Sums over rectangles are differences in an integral image, in float64. The rounding is that of the CUDA kernel of
    Deep Feature Flow: corners are rounded to whole pixels of the image, halves away from zero, and the end pixel is
    part of the box. ``torchvision.ops.ps_roi_pool`` rounds after scaling, so it is never used.

    An infinity or a NaN in ``feature`` reaches the bins that hold it. On a GPU, in a compiled model and in
    ``torch.func.vmap``, where to look for it would mean to wait or is not possible, it also reaches those below and to
    the right of it, in its channel: sums over them are differences of sums with it.

    Args:
        feature: ``(N, C * k * k, H, W)``, channel ``(c * k + row) * k + column``.
        rois: ``(K, 5)``: index into N, and ``x1, y1, x2, y2`` in pixels of the image. No gradient reaches them.
        output_size: k, bins along each side of a box.
        spatial_scale: Pixels of ``feature`` in a pixel of the image.

    Returns:
        ``(K, C, k, k)`` in the dtype of ``feature``. A bin outside of the map is 0, a box that is not finite NaN.

    Raises:
        ValueError: If a shape does not fit, an argument is out of range, or a box names no image (looked at on a CPU;
            elsewhere it is NaN).

    Example:
        >>> import torch
        >>> from mmvidext.ops import ps_roi_pool
        >>> feature = torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 6, 6)
        >>> ps_roi_pool(feature, torch.tensor([[0.0, 0, 0, 3, 3]]), 2)
        tensor([[[[0., 1.],
                  [2., 3.]]]])
    """
    check_rank(feature, '(N, C * k * k, H, W)', name='feature')
    check_boxes(rois, name='rois', columns=5)
    check_at_least(output_size, 1, name='output_size')
    check_positive(spatial_scale, name='spatial_scale')
    channels, height, width = feature.shape[1:]
    if channels % output_size**2:
        raise ValueError(
            f'feature must have a multiple of output_size * output_size = {output_size**2} channels, but has {channels}'
        )
    rois, counts = usable_rois(rois.detach().to(torch.promote_types(rois.dtype, torch.float32)), len(feature))
    left, right = _bin_edges(rois[:, 1], rois[:, 3], output_size, spatial_scale, width)
    top, bottom = _bin_edges(rois[:, 2], rois[:, 4], output_size, spatial_scale, height)
    image = rois[:, 0].long().view(-1, 1, 1)
    bins = torch.arange(output_size, device=feature.device)

    def add_up(values: Tensor) -> Tensor:
        # (N, C, k, k, H + 1, W + 1), with a row and a column of zeros in front
        integral = F.pad(values.double().cumsum(2).cumsum(3), (1, 0, 1, 0))
        integral = integral.unflatten(1, (-1, output_size, output_size))

        def corner(row: Tensor, column: Tensor) -> Tensor:
            return integral[image, :, bins.unsqueeze(1), bins, row.unsqueeze(2), column.unsqueeze(1)]  # (K, k, k, C)

        return corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left)

    total = _add_up_each_kind(add_up, feature) if is_known_to_spread(feature) else add_up(feature)
    area = ((bottom - top).unsqueeze(2) * (right - left).unsqueeze(1)).unsqueeze(3)
    mean = torch.where(area > 0, total / area.clamp(min=1), 0)
    mean = torch.where(counts.view(-1, 1, 1, 1), mean, torch.nan)
    return mean.permute(0, 3, 1, 2).to(feature.dtype)


def _add_up_each_kind(add_up: Callable[[Tensor], Tensor], feature: Tensor) -> Tensor:
    """Add up the finite values, and then let a bin with an infinity or a NaN in it have that."""
    finite = feature.clone()  # whose gradient passes on, whatever it holds
    with torch.no_grad():
        finite.nan_to_num_(0, 0, 0)
    total = add_up(finite)
    for value, cells in ((torch.inf, feature == torch.inf), (-torch.inf, feature == -torch.inf)):
        total = torch.where(add_up(cells) > 0, total + value, total)
    return torch.where(add_up(feature.isnan()) > 0, total + torch.nan, total)


def _bin_edges(low: Tensor, high: Tensor, bins: int, scale: float, length: int) -> tuple[Tensor, Tensor]:
    """Return the first pixel of each bin and that after the last ``(K, bins)``, along one axis."""
    start, end = _round(low) * scale, (_round(high) + 1) * scale
    step = ((end - start).clamp(min=_LEAST_SIZE) / bins).unsqueeze(1)
    index = torch.arange(bins, dtype=step.dtype, device=step.device)
    first = (index * step + start.unsqueeze(1)).floor()
    after = ((index + 1) * step + start.unsqueeze(1)).ceil()
    return first.clamp(0, length).long(), after.clamp(0, length).long()


def _round(x: Tensor) -> Tensor:
    """Round halves away from zero, as C does; ``torch.round`` takes the even neighbor."""
    return torch.where(x.frac().abs() == 0.5, x + x.sign() * 0.5, x.round())
