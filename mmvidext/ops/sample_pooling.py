"""Attention-weighted pooling over a sparse, square sampling field: the sampling half of LS-DFN."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.backends import LARGEST_BATCH, KernelBackend, import_kernels, takes_triton
from mmvidext.ops.checks import check_at_least, check_odd, check_rank, check_reach
from mmvidext.ops.plain_operators import needs_plain_operators
from mmvidext.ops.precision import accumulation_dtype
from mmvidext.ops.second_derivatives import gradients_to_derive, is_derived_again

__all__ = ['check_field', 'pool_padded', 'pool_samples']


def check_field(num_samples: int, sample_stride: int) -> None:
    """Raise unless the arguments describe a square field of samples around a center.

    Args:
        num_samples: Samples along each axis of the field, an odd number.
        sample_stride: Pixels between neighboring samples.

    Raises:
        ValueError: If ``num_samples`` is even or below 1, ``sample_stride`` is below 1, or the field is absurdly large.
    """
    check_odd(num_samples, name='num_samples')
    check_at_least(sample_stride, 1, name='sample_stride')
    reach = sample_stride * (num_samples - 1) // 2
    check_reach(reach, f'num_samples={num_samples} with sample_stride={sample_stride}')


def pool_samples(
    feature: Tensor, attention: Tensor, *, num_samples: int, sample_stride: int, backend: KernelBackend = 'auto'
) -> Tensor:
    """Sum a square field of samples around every position, each with its own weight.

    ``out[n, c, y, x]`` is the sum over ``a, b`` of ``attention[n, a * s + b, y, x] * feature[n, c, y + g * (a - r),
    x + g * (b - r)]`` with ``s = num_samples``, ``r = (s - 1) / 2`` and ``g = sample_stride``. What lies outside the
    map counts as zero. The sum is formed in float32 at least.

    Args:
        feature: ``(N, C, H, W)``.
        attention: Weights of the samples, ``(N, s*s, H, W)``, rows of the field first.
        num_samples: Samples along each axis, odd.
        sample_stride: Pixels between neighboring samples.
        backend: ``'torch'``; or ``'triton'``, on a GPU one pass over memory in place of one for each sample;
            ``'auto'`` takes it on an NVIDIA GPU.

    Returns:
        ``(N, C, H, W)``; float32 where ``feature`` has a half-precision type, else its own type.

    Raises:
        ValueError: If the field or the shapes are not as described, or the backend is none of these, or cannot run
            this input.
        TypeError: If the type of the feature is none of the backend.
        ImportError: If the backend is not installed.

    Example:
        >>> feature = torch.rand(1, 8, 16, 16)
        >>> box_mean = pool_samples(feature, torch.full((1, 9, 16, 16), 1 / 9), num_samples=3, sample_stride=2)
    """
    check_field(num_samples, sample_stride)
    check_rank(feature, '(N, C, H, W)', name='feature')
    batch, _, height, width = feature.shape
    expected = (batch, num_samples**2, height, width)
    if tuple(attention.shape) != expected:
        raise ValueError(
            f'attention must be {expected} for num_samples={num_samples} and a feature of {tuple(feature.shape)}, '
            f'but its shape is {tuple(attention.shape)}'
        )
    reach = sample_stride * (num_samples - 1) // 2
    padded = F.pad(feature.to(accumulation_dtype(feature)), (reach, reach, reach, reach))
    return pool_padded(padded, attention, num_samples, sample_stride, backend)


def pool_padded(
    padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int, backend: KernelBackend = 'auto'
) -> Tensor:
    """Do the work of :func:`pool_samples` on a map that already carries its border.

    Args:
        padded: ``(N, C, H + 2 * reach, W + 2 * reach)`` with ``reach = sample_stride * (num_samples - 1) / 2``.
        attention: ``(N, s*s, H, W)``.
        num_samples: Samples along each axis, odd.
        sample_stride: Pixels between neighboring samples.
        backend: As in :func:`pool_samples`.

    Returns:
        ``(N, C, H, W)`` in the type of ``padded``.
    """
    attention = attention.to(padded.dtype)
    triton = takes_triton(backend, padded, size=padded.shape[0], largest=LARGEST_BATCH, what='maps')
    in_forward_mode = needs_plain_operators(padded, attention)
    if triton and not in_forward_mode:
        return _triton_op(padded, attention.contiguous(), num_samples, sample_stride)
    # a compiler forms the gradient itself, and decides what to keep for it
    if torch.compiler.is_compiling() or in_forward_mode:
        return _pool(padded, attention, num_samples, sample_stride)
    result: Tensor = _PoolSamples.apply(padded, attention, num_samples, sample_stride)
    return result


def _pool(padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> Tensor:
    """Sum the products as the formula does."""
    views = enumerate(_shifted_views(padded, attention.shape, num_samples, sample_stride))
    total: Tensor = sum(view * attention[:, index : index + 1] for index, view in views)  # type: ignore[assignment]
    return total


def _shifted_views(padded: Tensor, size: torch.Size, num_samples: int, sample_stride: int) -> Iterator[Tensor]:
    """Yield, for each sample of the field, the view of ``padded`` that puts it at the center."""
    height, width = size[-2:]
    for row in range(0, num_samples * sample_stride, sample_stride):
        for column in range(0, num_samples * sample_stride, sample_stride):
            yield padded[:, :, row : row + height, column : column + width]


class _PoolSamples(torch.autograd.Function):
    """Keeps the padded map and the weights only: autograd would keep a product for every sample."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> Tensor:
        ctx.save_for_backward(padded, attention)
        ctx.field = num_samples, sample_stride
        views = _shifted_views(padded, attention.shape, num_samples, sample_stride)
        pooled = next(views) * attention[:, :1]
        for index, view in enumerate(views, start=1):
            pooled.addcmul_(view, attention[:, index : index + 1])
        return pooled

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        padded, attention = ctx.saved_tensors
        if is_derived_again():

            def pool(padded: Tensor, attention: Tensor) -> Tensor:
                return _pool(padded, attention, *ctx.field)

            return *gradients_to_derive(pool, (padded, attention), ctx.needs_input_grad[:2], grad), None, None
        grad_padded = grad_attention = None
        if ctx.needs_input_grad[0]:
            grad_padded = torch.zeros_like(padded)
            views = _shifted_views(grad_padded, attention.shape, *ctx.field)
            for index, view in enumerate(views):
                view.addcmul_(grad, attention[:, index : index + 1])
        if ctx.needs_input_grad[1]:
            # summing over channels is many times faster where they are innermost
            last = padded.contiguous(memory_format=torch.channels_last)
            grad_last = grad.contiguous(memory_format=torch.channels_last)
            views = _shifted_views(last, attention.shape, *ctx.field)
            grad_attention = torch.stack([(view * grad_last).sum(dim=1) for view in views], dim=1)
        return grad_padded, grad_attention, None, None


@torch.library.custom_op('mmvidext::pool_samples', mutates_args=())
def _triton_op(padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> Tensor:
    result: Tensor = import_kernels('pooling', padded).pool(padded, attention, num_samples, sample_stride)
    return result


@_triton_op.register_fake
def _(padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> Tensor:
    return padded.new_empty(*padded.shape[:2], *attention.shape[2:])


@torch.library.custom_op('mmvidext::pool_samples_backward', mutates_args=())
def _triton_backward_op(
    grad: Tensor, padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int
) -> tuple[Tensor, Tensor]:
    kernels = import_kernels('pooling', padded)
    grads = kernels.pool_backward(grad, padded, attention, num_samples, sample_stride)
    return grads[0], grads[1]


@_triton_backward_op.register_fake
def _(grad: Tensor, padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(padded), torch.empty_like(attention)


def _setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
    padded, attention, *ctx.settings = inputs
    ctx.save_for_backward(padded, attention)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    grad_padded, grad_attention = _triton_backward_op(grad, *ctx.saved_tensors, *ctx.settings)
    return grad_padded, grad_attention, None, None


torch.library.register_autograd('mmvidext::pool_samples', _backward, setup_context=_setup_context)
