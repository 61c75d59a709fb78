"""The precision that sums are formed in."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from mmvidext.ops.graph_constants import constant_in_graphs

__all__ = ['accumulation_dtype', 'without_autocast']


def accumulation_dtype(tensor: Tensor) -> torch.dtype:
    """Return the dtype to sum ``tensor`` in: float32 for half precision and whole numbers, else its own."""
    return torch.promote_types(tensor.dtype, torch.float32)


@constant_in_graphs  # dynamo cannot trace the question before torch 2.12
def _has_autocast(device_type: str) -> bool:
    return torch.amp.is_autocast_available(device_type)


def without_autocast(device: torch.device) -> Any:
    """Return a context without autocast, also for a device that never has it (``meta``)."""
    return torch.autocast(device.type, enabled=False) if _has_autocast(device.type) else nullcontext()
