"""Questions about the values of a tensor, where these are at hand."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ['is_known']


def is_known(condition: Callable[[], bool], tensor: Tensor) -> bool:
    """Whether a condition is known to hold; asked on a CPU only: elsewhere, to know means to wait for the device.

    Args:
        condition: Looks at the values of ``tensor``.
        tensor: In a graph that is recorded, and where it has no values, nothing is known of it.
    """
    if tensor.device.type != 'cpu' or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    try:
        return condition()
    except RuntimeError:  # a fake tensor has no values, and inside of torch.func.vmap one stands for many
        return False
