"""Which optimizers leave out a step by themselves, without anybody waiting for the device."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

__all__ = ['skips_by_itself']


def skips_by_itself(optimizer: Optimizer) -> bool:
    """Whether a step with ``found_inf`` 1 changes nothing: in one of torch's own fused optimizers, not compiled.

    The first step of a parameter defines its momentum, so that one is not left to it.
    """
    if type(optimizer) not in (SGD, Adam, AdamW) or torch.compiler.is_compiling() or hasattr(optimizer, 'found_inf'):
        return False
    return all(group.get('fused') and _has_begun(group, optimizer.state) for group in optimizer.param_groups)


def _has_begun(group: dict[str, Any], state: Mapping[Tensor, Mapping[str, Any]]) -> bool:
    if group.get('momentum') == 0:
        return True
    key = 'momentum_buffer' if 'momentum' in group else 'step'
    stepping = (parameter for parameter in group['params'] if parameter.grad is not None)
    return all(state.get(parameter, {}).get(key) is not None for parameter in stepping)
