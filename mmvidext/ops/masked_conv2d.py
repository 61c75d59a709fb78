"""Convolution at some positions only."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.checks import check_rank
from mmvidext.ops.precision import without_autocast

__all__ = ['columns_at', 'masked_conv2d']


def masked_conv2d(
    feature: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    padding: tuple[int, int] = (0, 0),
) -> Tensor:
    """Convolve, stride 1, where ``mask`` is above 0; elsewhere the output is 0 and costs nothing.

    Guided anchoring's inference (Wang et al., CVPR 2019, section 3.5).

    Args:
        feature: ``(N, C, H, W)``.
        mask: ``(N, H', W')``, of the size of the output.
        weight: ``(C', C, kh, kw)``.
        bias: ``(C',)``.
        padding: Zeros on either side, ``(y, x)``.

    Returns:
        ``(N, C', H', W')`` in the dtype of ``feature``.

    Raises:
        ValueError: If a shape does not fit.

    Example:
        >>> import torch
        >>> from mmvidext.ops import masked_conv2d
        >>> mask = torch.tensor([[[1.0, 0.0, 1.0]]])
        >>> masked_conv2d(torch.tensor([[[[1.0, 2.0, 3.0]]]]), mask, torch.full((1, 1, 1, 1), 2.0))
        tensor([[[[2., 0., 6.]]]])
    """
    check_rank(feature, '(N, C, H, W)', name='feature')
    check_rank(weight, "(C', C, kh, kw)", name='weight')
    if weight.shape[1] != feature.shape[1]:
        raise ValueError(f'weight is for {weight.shape[1]} channels, but feature has {feature.shape[1]}')
    size = [feature.shape[2 + axis] + 2 * padding[axis] - weight.shape[2 + axis] + 1 for axis in (0, 1)]
    if tuple(mask.shape) != (len(feature), *size):
        raise ValueError(f'mask must be {(len(feature), *size)}, but its shape is {tuple(mask.shape)}')
    image, row, column = (mask > 0).nonzero(as_tuple=True)
    columns = columns_at(feature, image, row, column, kernel_size=(weight.shape[2], weight.shape[3]), padding=padding)
    bias = None if bias is None else bias.to(feature.dtype)
    with without_autocast(feature.device):
        values = F.linear(columns, weight.flatten(1).to(feature.dtype), bias)  # (P, C')
    out = values.new_zeros(len(feature), *size, len(weight)).index_put((image, row, column), values)
    return out.permute(0, 3, 1, 2)


def columns_at(
    feature: Tensor,
    image: Tensor,
    row: Tensor,
    column: Tensor,
    *,
    kernel_size: tuple[int, int],
    padding: tuple[int, int],
) -> Tensor:
    """Return what a convolution of stride 1 sees at some positions of its output.

    Args:
        feature: ``(N, C, H, W)``.
        image: ``int64 (P,)``, index into N.
        row: ``int64 (P,)``, row in the output.
        column: ``int64 (P,)``, column in the output.
        kernel_size: ``(kh, kw)``.
        padding: Zeros on either side, ``(y, x)``.

    Returns:
        ``(P, C * kh * kw)``.

    Example:
        >>> import torch
        >>> from mmvidext.ops.masked_conv2d import columns_at
        >>> zero, one = torch.tensor([0]), torch.tensor([1])
        >>> columns_at(torch.tensor([[[[1.0, 2.0, 3.0]]]]), zero, zero, one, kernel_size=(1, 3), padding=(0, 1))
        tensor([[1., 2., 3.]])
    """
    padded = F.pad(feature, (padding[1], padding[1], padding[0], padding[0]))
    rows = row.unsqueeze(1) + torch.arange(kernel_size[0], device=row.device)  # (P, kh)
    columns = column.unsqueeze(1) + torch.arange(kernel_size[1], device=row.device)  # (P, kw)
    values = padded[image.view(-1, 1, 1), :, rows.unsqueeze(2), columns.unsqueeze(1)]  # (P, kh, kw, C)
    return values.permute(0, 3, 1, 2).flatten(1)
