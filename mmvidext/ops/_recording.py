"""Whether somebody watches what is computed, so that a tensor must not be written into for a while."""

import torch

__all__ = ['is_recorded']


def is_recorded() -> bool:
    """Whether autograd, the compiler or TorchScript's tracer records the operations."""
    return torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.jit.is_tracing()
