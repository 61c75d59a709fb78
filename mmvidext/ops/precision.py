"""The precision that sums are formed in."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

__all__ = ['accumulation_dtype', 'exact_products', 'without_autocast']


def accumulation_dtype(tensor: Tensor) -> torch.dtype:
    """Return the dtype to sum ``tensor`` in: float32 for the half-precision types, else its own."""
    return torch.promote_types(tensor.dtype, torch.float32)


def without_autocast(device: torch.device) -> Any:
    """Return a context without autocast, also for a device that never has it (``meta``)."""
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Multiply float32 in float32: no autocast, and no TF32 or bfloat16 inside a product, whatever the user allows.

    The settings are the process's own, restored afterwards. Compiled code keeps what they are where it runs: the
    compiler cannot trace them.
    """
    if torch.compiler.is_compiling():
        yield
        return
    settings = _product_settings()
    before = [getattr(owner, name) for owner, name, _ in settings]
    try:
        for owner, name, exact in settings:
            setattr(owner, name, exact)
        with without_autocast(device):
            yield
    finally:
        for (owner, name, _), value in zip(settings, before, strict=True):
            setattr(owner, name, value)


def _product_settings() -> list[tuple[Any, str, Any]]:
    """Return owner, name and exact value of each setting."""
    backends: Any = torch.backends
    if hasattr(backends.cuda.matmul, 'fp32_precision'):  # torch 2.9 and later
        owners = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul)
        return [(owner, 'fp32_precision', 'ieee') for owner in owners]
    return [(owner, 'allow_tf32', False) for owner in (backends.cuda.matmul, backends.cudnn)]
