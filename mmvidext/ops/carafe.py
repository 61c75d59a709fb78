"""Content-aware reassembly of features."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.checks import check_at_least, check_odd, check_rank
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['carafe']


def carafe(feature: Tensor, kernels: Tensor, *, kernel_size: int, groups: int = 1, scale_factor: int = 1) -> Tensor:
    """Upsample with a kernel of its own for every output pixel (CARAFE, Wang et al., ICCV 2019, eq. 4).

    Goes from tap to tap, so that memory is of the order of input and output, not ``kernel_size^2`` times as much.

    Args:
        feature: ``(N, C, H, W)``.
        kernels: ``(N, groups * kernel_size^2, H * s, W * s)``, already normalized; channel
            ``group * kernel_size^2 + row * kernel_size + column``.
        kernel_size: Odd side of a kernel, around the pixel of ``feature`` that the output pixel lies in.
        groups: Groups of channels, each with kernels of its own.
        scale_factor: s, output pixels for a pixel of ``feature`` along each axis.

    Returns:
        ``(N, C, H * s, W * s)`` in the dtype of ``feature``, summed in float32 at least.

    Raises:
        ValueError: If a shape does not fit or an argument is out of range.

    Example:
        >>> import torch
        >>> from mmvidext.ops import carafe
        >>> carafe(torch.tensor([[[[1.0, 2.0]]]]), torch.ones(1, 1, 2, 4), kernel_size=1, scale_factor=2)
        tensor([[[[1., 1., 2., 2.],
                  [1., 1., 2., 2.]]]])
    """
    check_rank(feature, '(N, C, H, W)', name='feature')
    check_at_least(scale_factor, 1, name='scale_factor')
    check_at_least(groups, 1, name='groups')
    check_odd(kernel_size, name='kernel_size')
    num, channels, height, width = feature.shape
    if channels % groups:
        raise ValueError(f'groups = {groups} does not divide the {channels} channels of feature')
    expected = (num, groups * kernel_size**2, height * scale_factor, width * scale_factor)
    if tuple(kernels.shape) != expected:
        raise ValueError(f'kernels must be {expected}, but the shape is {tuple(kernels.shape)}')
    dtype, s = accumulation_dtype(feature), scale_factor
    padded = F.pad(feature.to(dtype), (kernel_size // 2,) * 4).unflatten(1, (groups, -1))
    factors = kernels.to(dtype).view(num, groups, kernel_size, kernel_size, 1, height, s, width, s)
    out = padded.new_zeros(num, groups, channels // groups, height, s, width, s)
    for row in range(kernel_size):
        for column in range(kernel_size):
            tap = padded[..., row : row + height, column : column + width].unsqueeze(-1).unsqueeze(-3)
            out = torch.addcmul(out, tap, factors[:, :, row, column])
    return out.view(num, channels, height * s, width * s).to(feature.dtype)
