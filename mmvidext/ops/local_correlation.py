"""Local correlation: how well each cell of one map fits the cells around it in another (cost volume).

MotionSqueeze (Kwon et al., ECCV 2020, section 3.2) matches neighboring frames with it, FlowNetC (Dosovitskiy et al.,
ICCV 2015, section 3) an image pair.
"""

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops._correlation_backends import correlate_with_mmcv, correlate_with_sampler
from mmvidext.ops._correlation_shifts import correlate_by_shifts, correlate_by_shifts_backward
from mmvidext.ops._correlation_tiles import correlate, correlate_backward
from mmvidext.ops._non_finite_cells import gradients_in_place
from mmvidext.ops.backends import LARGEST_BATCH, LARGEST_DISPLACEMENT, import_kernels, takes_triton
from mmvidext.ops.checks import check_at_least, check_rank, check_reach
from mmvidext.ops.exact_products import exact_products
from mmvidext.ops.exporting import is_exporting
from mmvidext.ops.plain_operators import needs_plain_operators
from mmvidext.ops.precision import accumulation_dtype, without_autocast
from mmvidext.ops.second_derivatives import gradients_to_derive, is_derived_again

__all__ = ['Backend', 'local_correlation']

Backend = Literal['auto', 'torch', 'triton', 'spatial_correlation_sampler', 'mmcv']


def local_correlation(
    feat1: Tensor,
    feat2: Tensor,
    max_displacement: int,
    *,
    dilation: int = 1,
    kernel_size: int = 1,
    stride: int = 1,
    padding: int = 0,
    backend: Backend = 'auto',
) -> Tensor:
    """Correlate every cell of ``feat1`` with the cells around the same place in ``feat2``.

    ``out[n, dy + d, dx + d, y, x] = sum_c feat1[n, c, y, x] * feat2[n, c, y + dy * dilation, x + dx * dilation]`` for
    dy and dx in [-d, d], ``d = max_displacement``; cells outside of ``feat2`` are zero. Nothing is normalized.

    With ``kernel_size`` k, ``stride`` and ``padding`` patches of k x k cells are compared, not single cells: each
    score is the sum of the scores above over a window, which moves as that of a convolution does over a map padded with
    zeros. The numbers are those of ``spatial_correlation_sample(feat1, feat2, kernel_size, patch_size=2 * d + 1,
    stride, padding, dilation_patch=dilation)`` (github.com/ClementPinard/Pytorch-Correlation-extension).

    Args:
        feat1: Features ``(N, C, H, W)``.
        feat2: Features ``(N, C, H, W)``.
        max_displacement: d, in steps of ``dilation`` cells.
        dilation: Cells between neighboring displacements.
        kernel_size: k, height and width of the patches in cells.
        stride: Cells between neighboring patches.
        padding: Rows and columns of zeros around both maps.
        backend: ``'torch'`` needs nothing else, runs on any device and takes memory of the order of its input and
            output; ``'triton'`` is a kernel of ours for GPUs; ``'spatial_correlation_sampler'`` is the package of that
            name; ``'mmcv'`` is ``mmcv.ops.Correlation`` (CUDA only). ``'auto'`` takes ``'triton'`` on an NVIDIA GPU
            up to a displacement of 24, else ``'torch'``.

    Returns:
        ``(N, P, P, H', W')`` with ``P = 2 * d + 1``, indexed ``[dy, dx]``, in the dtype of the input, and ``H' = (H +
        2 * padding - k) // stride + 1``: H by default. Half precision is summed in float32.
        An infinity or a NaN reaches what is computed from it and nothing else. With ``'torch'`` off the CPU, gradients
        that depend on an infinity are NaN, and so are the scores of its cell with cells outside of the map.
        ``torch.func``, forward mode and second derivatives take the memory of all cells times all; there an infinity
        makes NaN of all gradients of its channel in its sample.

    Raises:
        ValueError: If the shapes differ or are not of 4 dimensions, or an argument is out of range.
        TypeError: If the dtypes differ or are not floating point, or the backend does not support them.
        ImportError: If the backend is not installed.

    Example:
        >>> feat1 = torch.rand(1, 8, 4, 5)
        >>> feat2 = feat1.roll(1, dims=3)  # everything moves one cell to the right
        >>> local_correlation(feat1, feat2, max_displacement=2).shape
        torch.Size([1, 5, 5, 4, 5])
        >>> scores = local_correlation(feat1, feat2, max_displacement=1)[0, 1, 2, :, :-1]  # dy = 0, dx = 1
        >>> torch.allclose(scores, feat1.square().sum(1)[0, :, :-1])
        True
    """
    _check_maps(feat1, feat2)
    _check_geometry(feat1.shape, max_displacement, dilation, kernel_size, stride, padding)
    if backend == 'spatial_correlation_sampler':
        return correlate_with_sampler(feat1, feat2, max_displacement, dilation, kernel_size, stride, padding)
    if backend == 'mmcv':
        return correlate_with_mmcv(feat1, feat2, max_displacement, dilation, kernel_size, stride, padding)
    if backend not in get_args(Backend):
        raise ValueError(f'backend must be one of {get_args(Backend)}, but is {backend!r}')
    suits = max_displacement <= LARGEST_DISPLACEMENT
    triton = takes_triton(backend, feat1, size=feat1.shape[0], largest=LARGEST_BATCH, what='maps', suits=suits)
    kernels = 'triton' if triton else 'torch'
    if (kernel_size, stride, padding) == (1, 1, 0):
        return _correlate_cells(feat1, feat2, max_displacement, dilation, kernels)
    dtype = accumulation_dtype(feat1)
    scores = _correlate_cells(feat1.to(dtype), feat2.to(dtype), max_displacement, dilation, kernels)
    return _sum_windows(scores, kernel_size, stride, padding).to(feat1.dtype)


def _check_maps(feat1: Tensor, feat2: Tensor) -> None:
    check_rank(feat1, '(N, C, H, W)', name='feat1')
    if feat1.shape != feat2.shape:
        raise ValueError(
            f'feat1 and feat2 must have the same shape, but are {tuple(feat1.shape)} and {tuple(feat2.shape)}'
        )
    if feat1.dtype != feat2.dtype or not feat1.is_floating_point():
        raise TypeError(
            f'feat1 and feat2 must have the same floating-point dtype, but are {feat1.dtype} and {feat2.dtype}'
        )


def _check_geometry(
    shape: torch.Size, max_displacement: int, dilation: int, kernel_size: int, stride: int, padding: int
) -> None:
    check_at_least(max_displacement, 0, name='max_displacement')
    check_at_least(dilation, 1, name='dilation')
    check_at_least(kernel_size, 1, name='kernel_size')
    check_at_least(stride, 1, name='stride')
    check_at_least(padding, 0, name='padding')
    height, width = shape[2:]
    check_reach(max_displacement * dilation, f'max_displacement={max_displacement} with dilation={dilation}')
    check_reach(padding, f'padding={padding}')
    if kernel_size > max(1, min(height, width) + 2 * padding):
        raise ValueError(
            f'kernel_size={kernel_size} is larger than the map of {height}x{width} with padding={padding}: lower it, '
            'or raise padding'
        )


def _correlate_cells(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernels: str) -> Tensor:
    if is_exporting() or needs_plain_operators(feat1, feat2):
        return _correlate_by_gathering(feat1, feat2, max_displacement, dilation)
    return _local_correlation_op(feat1, feat2, max_displacement, dilation, kernels).permute(0, 3, 4, 1, 2)


def _sum_windows(scores: Tensor, kernel_size: int, stride: int, padding: int) -> Tensor:
    """Sum ``(N, P, P, H, W)`` over windows of ``kernel_size x kernel_size`` cells."""
    flat = F.pad(scores.flatten(1, 2), (padding,) * 4)
    if kernel_size == 1:
        return flat[..., ::stride, ::stride].unflatten(1, scores.shape[1:3])
    return F.avg_pool2d(flat, kernel_size, stride, divisor_override=1).unflatten(1, scores.shape[1:3])


def _samples_at_once(feat: Tensor) -> int:
    """Choose how many samples share a product: one stays in a CPU's cache; elsewhere each launch costs, so all do."""
    return 1 if feat.device.type == 'cpu' else max(1, feat.shape[0])


def _needs_shifts(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> bool:
    """Whether to go by displacements: they are fewer than the subgrids of tiles, or tiles would spread values.

    To ask another device than the CPU for values would be to wait for it.
    """
    if dilation > 2 * max_displacement + 1 or not feat1.shape[1]:
        return True
    return feat1.device.type == 'cpu' and not all(math.isfinite(feat.sum()) for feat in (feat1, feat2))


# A custom operator is one node to torch.compile, whatever loops it holds.
@torch.library.custom_op('mmvidext::local_correlation', mutates_args=())
def _local_correlation_op(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernels: str) -> Tensor:
    if kernels == 'triton':
        result: Tensor = import_kernels('correlation', feat1).correlate(feat1, feat2, max_displacement, dilation)
        return result
    if _needs_shifts(feat1, feat2, max_displacement, dilation):
        return correlate_by_shifts(feat1, feat2, max_displacement, dilation)
    with exact_products(feat1.device):
        return correlate(feat1, feat2, max_displacement, dilation, group=_samples_at_once(feat1))


@_local_correlation_op.register_fake
def _(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernels: str) -> Tensor:
    size = 2 * max_displacement + 1
    return feat1.new_empty(feat1.shape[0], *feat1.shape[2:], size, size)


@torch.library.custom_op('mmvidext::local_correlation_backward', mutates_args=())
def _local_correlation_backward_op(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernels: str
) -> tuple[Tensor, Tensor]:
    if kernels == 'triton':
        grads: tuple[Tensor, Tensor] = import_kernels('correlation', feat1).correlate_backward(
            grad, feat1, feat2, max_displacement, dilation
        )
        return grads
    if _needs_shifts(feat1, feat2, max_displacement, dilation):
        return correlate_by_shifts_backward(grad, feat1, feat2, max_displacement, dilation)

    def backward(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        with exact_products(feat1.device):
            return correlate_backward(grad, first, second, max_displacement, dilation, group=_samples_at_once(feat1))

    if feat1.device.type == 'cpu':
        return backward(feat1, feat2)
    return gradients_in_place(backward, feat1, feat2, max_displacement, dilation)


@_local_correlation_backward_op.register_fake
def _(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernels: str
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(feat1), torch.empty_like(feat2)


def _setup_context(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: Tensor) -> None:
    feat1, feat2, ctx.max_displacement, ctx.dilation, ctx.kernels = inputs  # type: ignore[attr-defined]
    ctx.save_for_backward(feat1, feat2)


def _backward(
    ctx: torch.autograd.function.FunctionCtx, grad: Tensor
) -> tuple[Tensor | None, Tensor | None, None, None, None]:
    if is_derived_again():

        def correlate_plainly(feat1: Tensor, feat2: Tensor) -> Tensor:
            scores = _correlate_by_gathering(feat1, feat2, ctx.max_displacement, ctx.dilation)  # type: ignore[attr-defined]
            return scores.permute(0, 3, 4, 1, 2)

        inputs, needed = ctx.saved_tensors, ctx.needs_input_grad[:2]  # type: ignore[attr-defined]
        grad1, grad2 = gradients_to_derive(correlate_plainly, inputs, needed, grad)
        return grad1, grad2, None, None, None
    grad1, grad2 = _local_correlation_backward_op(
        grad,
        *ctx.saved_tensors,  # type: ignore[attr-defined]
        ctx.max_displacement,  # type: ignore[attr-defined]
        ctx.dilation,  # type: ignore[attr-defined]
        ctx.kernels,  # type: ignore[attr-defined]
    )
    return grad1, grad2, None, None, None


torch.library.register_autograd('mmvidext::local_correlation', _backward, setup_context=_setup_context)


def _correlate_by_gathering(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Correlate with a few operators that every exporter knows: all cells with all, then those that are asked for."""
    height, width = feat1.shape[2:]
    reach = max_displacement * dilation
    with without_autocast(feat1.device):
        padded = F.pad(feat2, (reach,) * 4)
        scores = feat1.flatten(2).transpose(1, 2) @ padded.flatten(2)  # (N, H*W, cells of the padded map)
    y = torch.arange(height, device=feat1.device).view(-1, 1)
    x = torch.arange(width, device=feat1.device)
    step = torch.arange(2 * max_displacement + 1, device=feat1.device) * dilation
    row, column = y + step.view(-1, 1, 1, 1), x + step.view(-1, 1, 1)  # (P, 1, H, 1), (P, 1, W)
    place = (y * width + x) * scores.shape[2] + row * padded.shape[3] + column  # (P, P, H, W)
    found = scores.flatten(1).index_select(1, place.flatten()).unflatten(1, tuple(place.shape))
    # an infinity times the zeros around the map would be NaN
    inside = (row >= reach) & (row < reach + height) & (column >= reach) & (column < reach + width)
    return torch.where(inside, found, 0)
