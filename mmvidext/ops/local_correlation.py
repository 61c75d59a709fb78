"""Local correlation: how well each cell of one map fits the cells around it in another (cost volume).

MotionSqueeze (Kwon et al., ECCV 2020, section 3.2) matches neighbouring frames with it, FlowNetC (Dosovitskiy et al.,
ICCV 2015, section 3) an image pair.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops._checks import check_rank
from mmvidext.ops._correlation_tiles import correlate, correlate_backward

__all__ = ['local_correlation']

Backend = Literal['auto', 'torch', 'spatial_correlation_sampler', 'mmcv']


def local_correlation(
    feat1: Tensor, feat2: Tensor, max_displacement: int, *, dilation: int = 1, backend: Backend = 'auto'
) -> Tensor:
    """Correlate every cell of ``feat1`` with the cells around the same place in ``feat2``.

    ``out[n, dy + d, dx + d, y, x] = sum_c feat1[n, c, y, x] * feat2[n, c, y + dy * dilation, x + dx * dilation]`` for
    dy and dx in [-d, d], ``d = max_displacement``; cells outside of ``feat2`` are zero. Nothing is normalised. The
    numbers are those of ``spatial_correlation_sample(kernel_size=1, patch_size=2 * d + 1, dilation_patch=dilation)``.

    Args:
        feat1: Features ``(N, C, H, W)``.
        feat2: Features ``(N, C, H, W)``.
        max_displacement: d, in steps of ``dilation`` cells.
        dilation: Cells between neighbouring displacements.
        backend: ``'torch'`` needs nothing else, runs on any device and takes memory of the order of its input and
            output; ``'spatial_correlation_sampler'`` is the package of that name; ``'mmcv'`` is
            ``mmcv.ops.Correlation`` (CUDA only). ``'auto'`` takes ``'torch'``, the fastest wherever the three were
            measured.

    Returns:
        ``(N, P, P, H, W)`` with ``P = 2 * d + 1``, indexed ``[dy, dx]``, in the dtype of the input. Half precision is
        summed in float32.

    Raises:
        ValueError: If the shapes differ or have not 4 dimensions, or an argument is out of range.
        TypeError: If the dtypes differ or are not floating point.
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
    _check_arguments(feat1, feat2, max_displacement, dilation)
    if backend in ('auto', 'torch'):
        if torch.compiler.is_exporting():
            return _correlate_by_gathering(feat1, feat2, max_displacement, dilation)
        return _local_correlation_op(feat1, feat2, max_displacement, dilation).permute(0, 3, 4, 1, 2)
    if backend == 'spatial_correlation_sampler':
        return _correlate_with_sampler(feat1, feat2, max_displacement, dilation)
    if backend == 'mmcv':
        return _correlate_with_mmcv(feat1, feat2, max_displacement, dilation)
    raise ValueError(f"backend must be 'auto', 'torch', 'spatial_correlation_sampler' or 'mmcv', but is {backend!r}")


def _check_arguments(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> None:
    check_rank(feat1, '(N, C, H, W)', name='feat1')
    if feat1.shape != feat2.shape:
        raise ValueError(
            f'feat1 and feat2 must have the same shape, but are {tuple(feat1.shape)} and {tuple(feat2.shape)}'
        )
    if feat1.dtype != feat2.dtype or not feat1.is_floating_point():
        raise TypeError(
            f'feat1 and feat2 must have the same floating-point dtype, but are {feat1.dtype} and {feat2.dtype}'
        )
    if max_displacement < 0:
        raise ValueError(f'max_displacement must be at least 0, but is {max_displacement}')
    if dilation < 1:
        raise ValueError(f'dilation must be at least 1, but is {dilation}')


# A custom operator is one node to torch.compile, whatever loops it holds.
@torch.library.custom_op('mmvidext::local_correlation', mutates_args=())
def _local_correlation_op(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    with torch.autocast(feat1.device.type, enabled=False):
        return correlate(feat1, feat2, max_displacement, dilation)


@_local_correlation_op.register_fake
def _(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    size = 2 * max_displacement + 1
    return feat1.new_empty(feat1.shape[0], *feat1.shape[2:], size, size)


@torch.library.custom_op('mmvidext::local_correlation_backward', mutates_args=())
def _local_correlation_backward_op(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int
) -> tuple[Tensor, Tensor]:
    with torch.autocast(feat1.device.type, enabled=False):
        return correlate_backward(grad, feat1, feat2, max_displacement, dilation)


@_local_correlation_backward_op.register_fake
def _(grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(feat1), torch.empty_like(feat2)


def _setup_context(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: Tensor) -> None:
    feat1, feat2, ctx.max_displacement, ctx.dilation = inputs  # type: ignore[attr-defined]
    ctx.save_for_backward(feat1, feat2)


def _backward(
    ctx: torch.autograd.function.FunctionCtx, grad: Tensor
) -> tuple[Tensor | None, Tensor | None, None, None]:
    grad1, grad2 = _local_correlation_backward_op(
        grad,
        *ctx.saved_tensors,  # type: ignore[attr-defined]
        ctx.max_displacement,  # type: ignore[attr-defined]
        ctx.dilation,  # type: ignore[attr-defined]
    )
    return grad1, grad2, None, None


torch.library.register_autograd('mmvidext::local_correlation', _backward, setup_context=_setup_context)


def _correlate_by_gathering(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Correlate with a few operators that every exporter knows: all cells with all, then those that are asked for."""
    height, width = feat1.shape[2:]
    reach = max_displacement * dilation
    padded = F.pad(feat2, (reach,) * 4)
    scores = feat1.flatten(2).transpose(1, 2) @ padded.flatten(2)  # (N, H*W, cells of the padded map)
    y = torch.arange(height, device=feat1.device).view(-1, 1)
    x = torch.arange(width, device=feat1.device)
    step = torch.arange(2 * max_displacement + 1, device=feat1.device) * dilation
    target = (y + step.view(-1, 1, 1, 1)) * padded.shape[3] + x + step.view(-1, 1, 1)  # (P, P, H, W)
    place = (y * width + x) * scores.shape[2] + target
    return scores.flatten(1).index_select(1, place.flatten()).unflatten(1, tuple(place.shape))


def _correlate_with_sampler(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    try:
        from spatial_correlation_sampler import spatial_correlation_sample
    except ImportError as error:
        raise ImportError(
            "backend 'spatial_correlation_sampler' needs the package spatial-correlation-sampler "
            "(pip install spatial-correlation-sampler; it compiles). backend='torch' needs nothing"
        ) from error
    return spatial_correlation_sample(
        feat1, feat2, kernel_size=1, patch_size=2 * max_displacement + 1, dilation_patch=dilation
    )


def _correlate_with_mmcv(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    if not feat1.is_cuda:
        raise ValueError(
            f"backend 'mmcv' has CUDA kernels only, but the input is on {feat1.device}. Use backend='torch'"
        )
    from mmcv.ops import Correlation

    operator = Correlation(
        kernel_size=1, max_displacement=max_displacement, stride=1, padding=0, dilation_patch=dilation
    )
    return operator(feat1, feat2)
