"""RoIAlign."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.backends import DetectionBackend, takes_torchvision
from mmvidext.ops.bbox_overlaps import check_boxes, usable_rois
from mmvidext.ops.checks import check_at_least, check_positive, check_rank
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['roi_align']


class Axis(NamedTuple):
    """Bins of each box along one axis: where the first starts, and how long each is ``(K,)``, in pixels of the map."""

    start: Tensor
    bin_size: Tensor
    bins: int
    length: int


class Taps(NamedTuple):
    """Which pixels each bin adds up: one row each, or, with ``offsets``, one bin after the other."""

    pixels: Tensor
    weights: Tensor
    offsets: Tensor | None


def roi_align(
    feature: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    aligned: bool = True,
    backend: DetectionBackend = 'auto',
) -> Tensor:
    """Average bilinear samples in each bin of each box (Mask R-CNN, He et al., ICCV 2017, section 3).

    In plain torch this is a sparse matrix of bilinear weights, bins by pixels, times the table of pixels. The weights
    of a bin are a product of those along both axes, so samples that share a pixel are added up before.

    Args:
        feature: ``(N, C, H, W)``.
        rois: ``(K, 5)``: index into N, and ``x1, y1, x2, y2`` in pixels of the image. No gradient reaches them.
        output_size: Bins ``(height, width)`` of a box.
        spatial_scale: Pixels of ``feature`` in a pixel of the image.
        sampling_ratio: Samples in a bin along each axis; 0 takes one for each pixel begun.
        aligned: Whether the center of a pixel is at 0.5. The older form without is half a pixel off, and its boxes are
            at least one pixel of ``feature`` wide and high.
        backend: ``'torch'``, ``'torchvision'`` or ``'auto'``: torchvision where it loads.

    Returns:
        ``(K, C, height, width)`` in the dtype of ``feature``, summed in float32 at least. A sample more than a pixel
        outside of the map is zero, as is all of a box without an area if ``sampling_ratio`` is 0. A box that is not
        finite is NaN. An infinity or a NaN in ``feature`` is NaN also for a sample that has it as a neighbor with
        weight zero, in all backends.

    Raises:
        ValueError: If a shape does not fit, an argument is out of range, or a box names no image (looked at on a CPU;
            elsewhere it is NaN).
        ImportError: If torchvision is asked for and does not load.

    Example:
        >>> import torch
        >>> from mmvidext.ops import roi_align
        >>> feature = torch.arange(16.0).view(1, 1, 4, 4)
        >>> roi_align(feature, torch.tensor([[0.0, 1, 1, 3, 3]]), (1, 1))
        tensor([[[[7.5000]]]])
    """
    check_rank(feature, '(N, C, H, W)', name='feature')
    check_boxes(rois, name='rois', columns=5)
    for size in output_size:
        check_at_least(size, 1, name='output_size')
    check_at_least(sampling_ratio, 0, name='sampling_ratio')
    check_positive(spatial_scale, name='spatial_scale')
    dtype = accumulation_dtype(feature)
    boxes, counts = usable_rois(rois.detach().to(dtype), len(feature))
    if 0 in feature.shape[2:]:  # a map without pixels is like one of zeros
        feature = F.pad(feature, (0, 1, 0, 1))
    if takes_torchvision(backend):
        arguments = (spatial_scale, *output_size, sampling_ratio, aligned)
        pooled = torch.ops.torchvision.roi_align(feature.to(dtype), boxes, *arguments)
    else:
        pooled = _align(feature.to(dtype), boxes, output_size, spatial_scale, sampling_ratio, aligned)
    return torch.where(counts.view(-1, 1, 1, 1), pooled, torch.nan).to(feature.dtype)


def _align(
    feature: Tensor, rois: Tensor, output_size: tuple[int, int], scale: float, sampling_ratio: int, aligned: bool
) -> Tensor:
    num, channels, *map_size = feature.shape
    if len(rois) == 0:
        return feature.flatten()[:0].reshape(0, channels, *output_size)  # stays in the graph
    corners = rois[:, 1:] * scale - (0.5 if aligned else 0.0)
    sizes = corners[:, 2:] - corners[:, :2]
    if not aligned:
        sizes = sizes.clamp(min=1)
    axes = [
        Axis(corners[:, 1 - axis], sizes[:, 1 - axis] / bins, bins, length)
        for axis, (bins, length) in enumerate(zip(output_size, map_size, strict=True))
    ]
    first = rois[:, 0].long() * map_size[0]  # row in the table of all maps
    if sampling_ratio:
        taps = _taps_of_few_samples(axes, first, sampling_ratio)
    else:
        taps = _taps_of_many_samples(axes, first)
    table = feature.permute(0, 2, 3, 1).reshape(num * map_size[0] * map_size[1], channels)
    pooled = F.embedding_bag(taps.pixels, table, taps.offsets, mode='sum', per_sample_weights=taps.weights)
    return pooled.view(len(rois), *output_size, channels).permute(0, 3, 1, 2).contiguous()


def _split(position: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pixel before each position on an axis, how far beyond it the position is, and whether it counts."""
    counts = (position >= -1) & (position <= length)
    position = position.clamp(0, length - 1)
    low = position.floor().clamp(max=max(length - 2, 0))
    return low.long(), position - low, counts


def _taps_of_few_samples(axes: Sequence[Axis], first: Tensor, num_samples: int) -> Taps:
    """Take the two pixels around each sample: wherever the samples of a bin may lie."""
    pixels, weights = [], []
    for start, bin_size, bins, length in axes:
        bin_index = torch.arange(bins, dtype=start.dtype, device=start.device).unsqueeze(1)
        sample = torch.arange(num_samples, dtype=start.dtype, device=start.device) + 0.5
        start, bin_size = start.view(-1, 1, 1), bin_size.view(-1, 1, 1)
        low, part, counts = _split(start + bin_index * bin_size + sample * bin_size / num_samples, length)
        pixels.append(torch.cat((low, (low + 1).clamp(max=length - 1)), dim=-1))  # (K, bins, 2 * samples)
        weights.append(torch.cat((1 - part, part), dim=-1) * torch.cat((counts, counts), dim=-1) / num_samples)
    (y, x), (weight_y, weight_x) = pixels, weights
    row = first.view(-1, 1, 1) + y
    pixel = row[:, :, None, :, None] * axes[1].length + x[:, None, :, None, :]  # (K, bins, bins, taps, taps)
    weight = weight_y[:, :, None, :, None] * weight_x[:, None, :, None, :]
    return Taps(pixel.flatten(0, 2).flatten(1), weight.flatten(0, 2).flatten(1), None)


def _taps_of_many_samples(axes: Sequence[Axis], first: Tensor) -> Taps:
    """Take all pixels from the first to the last sample of a bin: samples at most a pixel apart leave none out."""
    (y, num_y, weight_y), (x, num_x, weight_x) = (_merge_samples(axis) for axis in axes)
    counts = (num_y.unsqueeze(2) * num_x.unsqueeze(1)).flatten()  # taps of each bin, (K * bins * bins,)
    ends = counts.cumsum(0)
    start = (first.view(-1, 1) + y).unsqueeze(2) * axes[1].length + x.unsqueeze(1)
    bins_y, bins_x = y.shape[1], x.shape[1]
    bin_index = torch.arange(len(counts), device=counts.device)
    index_y = bin_index // bins_x  # of the bin along y, of all boxes
    index_x = index_y // bins_y * bins_x + bin_index % bins_x
    owner = bin_index.repeat_interleave(counts)
    place = torch.arange(len(owner), device=owner.device) - (ends - counts)[owner]
    width = num_x.flatten()[index_x][owner]
    dy = place // width
    dx = place - dy * width
    pixels = start.flatten()[owner] + dy * axes[1].length + dx
    weights = weight_y.flatten()[(index_y * weight_y.shape[2])[owner] + dy]
    weights = weights * weight_x.flatten()[(index_x * weight_x.shape[2])[owner] + dx]
    return Taps(pixels, weights, ends - counts)


def _merge_samples(axis: Axis) -> tuple[Tensor, Tensor, Tensor]:
    """Add up the weights that the samples of each bin give to a pixel, along one axis.

    Returns:
        The first pixel and the number of pixels of each bin, ``(K, bins)``, and their weights, ``(K, bins, taps)``.
    """
    start, bin_size, bins, length = axis
    bin_size = bin_size.clamp(min=0)
    grid = bin_size.ceil()  # samples in a bin
    # of the samples in a huge box only those near the map are formed; they are more than half a pixel apart
    most = min(int(grid.max()), 2 * length + 4)
    step = (bin_size / grid.clamp(min=1)).view(-1, 1, 1)
    bin_start = start.view(-1, 1) + torch.arange(bins, dtype=start.dtype, device=start.device) * bin_size.view(-1, 1)
    bin_start, grid = bin_start.unsqueeze(2), grid.view(-1, 1, 1)  # (K, bins, 1), (K, 1, 1)
    skipped = torch.where(step > 0, (-1 - bin_start) / step - 1, 0).floor().clamp(min=0)
    sample = skipped + torch.arange(most, dtype=start.dtype, device=start.device)
    low, part, counts = _split(bin_start + (sample + 0.5) * step, length)
    counts = counts & (sample < grid)
    first = low[:, :, :1] if most else torch.zeros_like(bin_start, dtype=torch.int64)
    taps = torch.minimum(torch.where(grid > 0, grid + 1, 0).clamp(max=most + 1).long(), length - first).squeeze(2)
    share = counts / grid.clamp(min=1)
    place = (low - first).clamp(max=most)
    weights = torch.zeros(*first.shape[:2], most + 1, dtype=start.dtype, device=start.device)
    weights = weights.scatter_add(2, place, (1 - part) * share)
    weights = weights.scatter_add(2, (place + 1).clamp(max=most), part * share)
    return first.squeeze(2), taps, weights
