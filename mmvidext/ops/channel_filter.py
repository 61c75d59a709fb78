"""Position-specific 1x1 filters: every position of a map has its own ``C' x C`` matrix.

The matrices of a map fill ``C' * C * H * W`` numbers, far more than anything else in a dynamic filter, so nothing
here makes a second tensor of that size, and :class:`ProjectedKernel` never makes the first.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmvidext.ops.exact_products import exact_conv1x1, exact_conv1x1_gradients
from mmvidext.ops.plain_operators import needs_plain_operators
from mmvidext.ops.precision import accumulation_dtype
from mmvidext.ops.second_derivatives import gradients_to_derive, is_derived_again

__all__ = ['ProjectedKernel', 'filter_channels', 'filter_channels_projected']

# of a temporary: 8 MiB in float32 fit into the last-level cache of a CPU; on a GPU launches cost more than memory
_CHUNK_ELEMENTS, _CHUNK_ELEMENTS_ON_GPU = 2**21, 2**25


class ProjectedKernel(NamedTuple):
    """Channel kernels that a 1x1 convolution would make from a code: ``conv2d(code, weight, bias)``, never formed.

    Attributes:
        code: ``(N, K, H, W)``.
        weight: ``(C'*C, K, 1, 1)``, output channel of the filter first.
        bias: ``(C'*C,)``.
    """

    code: Tensor
    weight: Tensor
    bias: Tensor


def _chunk_length(chunk_channels: int | None, operand: Tensor) -> int:
    """Return how many output channels to compute at once; each takes a temporary as large as ``operand``."""
    if chunk_channels is not None:
        return chunk_channels
    elements = _CHUNK_ELEMENTS if operand.device.type == 'cpu' else _CHUNK_ELEMENTS_ON_GPU
    return max(1, elements // max(1, operand.numel()))


def filter_channels(feature: Tensor, kernel: Tensor, *, chunk_channels: int | None = None) -> Tensor:
    """Apply a matrix of its own to the channels at every position.

    Args:
        feature: ``(N, C, H, W)``.
        kernel: ``(N, C'*C, H, W)``, output channel first.
        chunk_channels: Output channels to compute at once; by default as many as a temporary of 8 MiB allows, on a GPU
            of 128 MiB.

    Returns:
        ``(N, C', H, W)`` in the type of ``feature``.
    """
    chunk, kernel = _chunk_length(chunk_channels, feature), kernel.unflatten(1, (-1, feature.shape[1]))
    if needs_plain_operators(feature, kernel):
        return _filter(feature, kernel)
    result: Tensor = _FilterChannels.apply(feature, kernel, chunk)
    return result


def filter_channels_projected(feature: Tensor, kernel: ProjectedKernel, *, chunk_channels: int | None = None) -> Tensor:
    """Apply the matrices that a 1x1 convolution would make from a code, without making them.

    The kernels are linear in the code, so each output is a bilinear form of feature and code, and the order of the sums
    can be exchanged: ``sum_c (sum_k M[v, c, k] code[k]) feature[c] = sum_k code[k] (sum_c M[v, c, k] feature[c])``.
    The inner sum on the right is an ordinary 1x1 convolution of the feature with ``K`` outputs for each of the ``C'``.
    It runs in the type of the code, the outer sum in the type of the feature.

    Args:
        feature: ``(N, C, H, W)``.
        kernel: The code and the convolution.
        chunk_channels: Output channels to compute at once; by default as many as a temporary of 8 MiB allows, on a GPU
            of 128 MiB.

    Returns:
        ``(N, C', H, W)`` in the type of ``feature``.
    """
    channels = feature.shape[1]
    code_channels = kernel.code.shape[1]
    weight = kernel.weight.view(-1, channels, code_channels).transpose(1, 2)  # (C', K, C)
    weight = weight.reshape(-1, channels, 1, 1).to(kernel.code.dtype)
    operand = feature.to(kernel.code.dtype)
    chunk = _chunk_length(chunk_channels, kernel.code)
    if needs_plain_operators(operand, kernel.code, weight):
        result = _filter_projected(operand, kernel.code, weight)
    else:
        result = _FilterProjected.apply(operand, kernel.code, weight, chunk)
    constant = exact_conv1x1(operand, kernel.bias.view(-1, channels, 1, 1).to(operand.dtype))
    return (result + constant).to(feature.dtype)


def _filter(feature: Tensor, kernel: Tensor) -> Tensor:
    """Apply ``kernel (N, C', C, H, W)`` as the formula does: all products at once."""
    return (kernel * feature.unsqueeze(1)).sum(dim=2)


def _filter_projected(feature: Tensor, code: Tensor, weight: Tensor) -> Tensor:
    """Apply the kernels of a code, all products at once."""
    dtype, code_channels = accumulation_dtype(code), code.shape[1]
    response = exact_conv1x1(feature, weight).to(dtype).unflatten(1, (-1, code_channels))
    return (response * code.to(dtype).unsqueeze(1)).sum(dim=2)


class _FilterChannels(torch.autograd.Function):
    """Works on a few output channels at a time; the only large tensor it makes is the kernel's gradient."""

    @staticmethod
    def forward(ctx: Any, feature: Tensor, kernel: Tensor, chunk: int) -> Tensor:
        ctx.save_for_backward(feature, kernel)
        ctx.chunk = chunk
        out = feature.new_empty(feature.shape[0], kernel.shape[1], *feature.shape[2:])
        for part, target in zip(kernel.split(chunk, dim=1), out.split(chunk, dim=1), strict=True):
            target.copy_(
                (part * feature.unsqueeze(1)).sum(dim=2)
            )  # nothing small outlives the product: memory is reused
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        feature, kernel = ctx.saved_tensors
        if is_derived_again():
            return *gradients_to_derive(_filter, (feature, kernel), ctx.needs_input_grad[:2], grad), None
        grad_feature = torch.zeros_like(feature) if ctx.needs_input_grad[0] else None
        grad_kernel = torch.empty_like(kernel) if ctx.needs_input_grad[1] else None
        for index in range(kernel.shape[1]):
            grad_output = grad[:, index : index + 1]  # (N, 1, H, W)
            if grad_feature is not None:
                grad_feature.addcmul_(kernel[:, index], grad_output)
            if grad_kernel is not None:
                grad_kernel[:, index].copy_(feature * grad_output)
        return grad_feature, grad_kernel, None


class _FilterProjected(torch.autograd.Function):
    """Recomputes the convolution of each chunk in the backward pass instead of keeping ``C' * K`` maps."""

    @staticmethod
    def forward(ctx: Any, feature: Tensor, code: Tensor, weight: Tensor, chunk: int) -> Tensor:
        ctx.save_for_backward(feature, code, weight)
        ctx.chunk = chunk
        code_channels = code.shape[1]
        dtype = accumulation_dtype(code)
        factor = code.to(dtype).unsqueeze(1)  # (N, 1, K, H, W)
        parts = []
        for part in weight.split(chunk * code_channels):
            response = exact_conv1x1(feature, part).to(dtype)
            parts.append((response.unflatten(1, (-1, code_channels)) * factor).sum(dim=2))
        return torch.cat(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        feature, code, weight = ctx.saved_tensors
        if is_derived_again():
            inputs = feature, code, weight
            return *gradients_to_derive(_filter_projected, inputs, ctx.needs_input_grad[:3], grad), None
        code_channels = code.shape[1]
        grad_feature = torch.zeros_like(feature, dtype=grad.dtype)
        grad_code = torch.zeros_like(code, dtype=grad.dtype)
        grad_weights = []
        for part, grad_part in zip(weight.split(ctx.chunk * code_channels), grad.split(ctx.chunk, dim=1), strict=True):
            outer = grad_part.unsqueeze(2)  # (N, chunk, 1, H, W)
            grad_response = (outer * code.unsqueeze(1)).flatten(1, 2).to(feature.dtype)
            response = exact_conv1x1(feature, part).unflatten(1, (-1, code_channels))
            grad_operand, grad_weight = exact_conv1x1_gradients(grad_response, feature, part)
            grad_feature += grad_operand
            grad_weights.append(grad_weight)
            grad_code += (response * outer).sum(dim=1)
        return grad_feature.to(feature.dtype), grad_code.to(code.dtype), torch.cat(grad_weights), None
