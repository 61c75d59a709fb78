"""Derivatives of the gradients that an op of ours forms by hand."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mmvidext.ops.precision import without_autocast

__all__ = ['gradients_to_derive', 'is_derived_again']


def is_derived_again() -> bool:
    """Whether a backward pass that runs now is recorded (``create_graph=True``). A compiler refuses that itself."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def gradients_to_derive(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], needed: Sequence[bool], grad: Tensor
) -> tuple[Tensor | None, ...]:
    """Return the gradients of ``inputs`` as autograd forms them, so that it can derive them once more.

    Args:
        function: What the op computes, in operators that autograd knows.
        inputs: Its arguments, as the op has kept them.
        needed: Which of them need a gradient.
        grad: The gradient of its result.
    """
    with torch.enable_grad(), without_autocast(grad.device):
        # views: an input may be another one or be computed from it, and what flows through that is not its own gradient
        inputs = [tensor.view_as(tensor) for tensor in inputs]
        wanted = [tensor for tensor, is_needed in zip(inputs, needed, strict=True) if is_needed]
        found = iter(torch.autograd.grad(function(*inputs), wanted, grad, create_graph=True))
    return tuple(next(found) if is_needed else None for is_needed in needed)
