"""Activations that keep their input."""

from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ['make_out_of_place']


def make_out_of_place(model: nn.Module, act_cfg: Mapping[str, Any] | None = None) -> None:
    """Let every activation of ``model`` write to a new tensor, unless the user asks for the opposite.

    mmaction2's backbones activate in place. There a full backward hook raises on the layer in front of an activation
    and on the activation itself, and what a forward hook keeps of a norm's output is overwritten. Autograd saves the
    same tensors either way.

    Args:
        model: A backbone of mmaction2.
        act_cfg: What the user gave as its ``act_cfg``. With ``inplace=True`` the model stays as it is.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))
        >>> make_out_of_place(model)
        >>> model[1].inplace
        False
    """
    if act_cfg and act_cfg.get('inplace'):
        return
    for module in model.modules():
        if getattr(module, 'inplace', False):
            module.inplace = False  # type: ignore[assignment]
