"""Deformable convolution, plain and modulated."""

import torch
from torch import Tensor

from mmvidext.ops.backends import DetectionBackend, takes_torchvision
from mmvidext.ops.bilinear import sample_bilinear
from mmvidext.ops.checks import check_rank
from mmvidext.ops.precision import accumulation_dtype, without_autocast

__all__ = ['deform_conv2d']

Pair = tuple[int, int]


def deform_conv2d(
    feature: Tensor,
    offset: Tensor,
    weight: Tensor,
    *,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    backend: DetectionBackend = 'auto',
) -> Tensor:
    """Convolve with taps that are moved position by position (Dai et al., ICCV 2017, eq. 2).

    With ``mask`` the modulated form (Zhu et al., CVPR 2019, eq. 1). A tap outside of the map is bilinear between the
    map and zeros around it. At whole pixels, where the derivative by the offset has two sides, it is the right one.

    Args:
        feature: ``(N, C, H, W)``.
        offset: ``(N, G * kh * kw * 2, H', W')`` in pixels, ``y`` before ``x``, for G groups of channels.
        weight: ``(C', C / groups, kh, kw)``.
        mask: ``(N, G * kh * kw, H', W')``, a factor for each tap.
        bias: ``(C',)``.
        stride: ``(y, x)``, as are ``padding`` and ``dilation``.
        padding: Zeros on either side.
        dilation: Distance of the taps before they are moved.
        groups: Groups of the convolution.
        backend: ``'torch'``, ``'torchvision'`` or ``'auto'``: torchvision where it loads.

    Returns:
        ``(N, C', H', W')`` in the dtype of ``feature``. Positions and samples are computed in float32 at least.
        An infinity or a NaN in ``feature`` is NaN also for a tap that has it as a neighbor with weight zero.

    Raises:
        ValueError: If a shape does not fit.
        ImportError: If torchvision is asked for and does not load.

    Example:
        >>> import torch
        >>> from mmvidext.ops import deform_conv2d
        >>> offset = torch.zeros(1, 2, 1, 3)
        >>> offset[:, 1] = 0.5  # every position looks half a pixel to its right
        >>> deform_conv2d(torch.tensor([[[[0.0, 10, 20]]]]), offset, torch.ones(1, 1, 1, 1))
        tensor([[[[ 5., 15., 10.]]]])
    """
    offset_groups = _check(feature, offset, weight, mask, (stride, padding, dilation), groups)
    dtype = accumulation_dtype(feature)
    if takes_torchvision(backend):
        given = [feature.to(dtype), weight.to(dtype), offset.to(dtype)]
        given += [feature.new_zeros(len(feature), 1, dtype=dtype) if mask is None else mask.to(dtype)]
        given += [weight.new_zeros(len(weight), dtype=dtype) if bias is None else bias.to(dtype)]
        geometry = (*stride, *padding, *dilation, groups, offset_groups, mask is not None)
        result: Tensor = torch.ops.torchvision.deform_conv2d(*given, *geometry)
        return result.to(feature.dtype)
    num = feature.shape[0]  # len() would be a constant of a trace
    moved = offset.to(dtype).reshape(num * offset_groups, *weight.shape[2:], 2, *offset.shape[2:])
    grouped = feature.to(dtype).reshape(moved.shape[0], feature.shape[1] // offset_groups, *feature.shape[2:])
    taps = _sample_taps(grouped, moved, stride, padding, dilation)
    if mask is not None:
        taps = taps * mask.to(dtype).reshape(taps.shape[0], 1, *taps.shape[2:])
    filters = weight.to(feature.dtype).reshape(groups, len(weight) // groups, weight[0].numel())
    columns = taps.to(feature.dtype).reshape(num, groups, filters.shape[2], taps.shape[3])
    with without_autocast(feature.device):
        out = filters @ columns
    out = out.view(num, len(weight), *offset.shape[2:])
    return out if bias is None else out + bias.to(out.dtype).view(-1, 1, 1)


def _sample_taps(feature: Tensor, moved: Tensor, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
    """Sample where the taps of a convolution are moved to.

    Args:
        feature: ``(N, C, H, W)``, one entry for each group of offsets.
        moved: By how far, ``(N, kh, kw, 2, H', W')``.
        stride: ``(y, x)``, as are ``padding`` and ``dilation``.
        padding: Zeros on either side.
        dilation: Distance of the taps.

    Returns:
        ``(N, C, kh * kw, H' * W')``.
    """
    kernel_size, out_size = moved.shape[1:3], moved.shape[4:]
    positions = []
    for axis, (kernel, out_length) in enumerate(zip(kernel_size, out_size, strict=True)):
        tap = torch.arange(kernel, device=feature.device) * dilation[axis] - padding[axis]
        place = torch.arange(out_length, device=feature.device) * stride[axis]
        grid = (tap.unsqueeze(1) + place).to(feature.dtype)  # (kernel, out_length)
        grid = grid.view(kernel, 1, out_length, 1) if axis == 0 else grid.view(1, kernel, 1, out_length)
        position = (moved[:, :, :, axis] + grid).flatten(3, 4).flatten(1, 2)  # (N, kh * kw, H' * W')
        positions.append(position.clamp(-2, feature.shape[2 + axis] + 1))  # zero from one pixel outside on
    y, x = positions
    return sample_bilinear(feature, x, y)


def _check(
    feature: Tensor, offset: Tensor, weight: Tensor, mask: Tensor | None, geometry: tuple[Pair, ...], groups: int
) -> int:
    """Check the shapes; return the number of groups of offsets."""
    check_rank(feature, '(N, C, H, W)', name='feature')
    check_rank(weight, "(C', C / groups, kh, kw)", name='weight')
    num, channels, *map_size = feature.shape
    if weight.shape[1] * groups != channels or len(weight) % groups:
        raise ValueError(
            f"weight must be (C', C / groups, kh, kw) for C = {channels} and groups = {groups}, but its shape is "
            f'{tuple(weight.shape)}'
        )
    kernel_size = weight.shape[2:]
    size = tuple(
        (length + 2 * pad - dilate * (kernel - 1) - 1) // step + 1
        for length, kernel, step, pad, dilate in zip(map_size, kernel_size, *geometry, strict=True)
    )
    num_taps = kernel_size[0] * kernel_size[1]
    offset_groups = max(offset.shape[1] // (2 * num_taps), 1)
    for name, tensor, each in (('offset', offset, 2), ('mask', mask, 1)):
        expected = (num, offset_groups * num_taps * each, *size)
        if tensor is not None and tuple(tensor.shape) != expected:
            raise ValueError(f'{name} must be {expected}, but its shape is {tuple(tensor.shape)}')
    if channels % offset_groups:
        raise ValueError(f'offset is for {offset_groups} groups of channels, which do not divide {channels} channels')
    return offset_groups
