"""Whether a model can take the values of the tensors that have their place in it."""

import torch
from torch import Tensor, nn

from mmvidext.checkpoints.fit import list_names
from mmvidext.checkpoints.read import StateDict

__all__ = ['STATISTICS', 'UnusableWeightsError', 'check_values']

STATISTICS = ('running_mean', 'running_var')  # the names that torch's normalizations have


class UnusableWeightsError(ValueError):
    """Tensors have the names and shapes of a model, but values that it cannot take."""


def check_values(weights: StateDict, model: nn.Module, *, of: str) -> None:
    """Raise unless weights are the kind of number that the model has, and finite in its precision.

    A buffer that is no running statistic may be infinite, as a mask is. Any precision will do, and
    ``num_batches_tracked`` may be any kind of number: averaging checkpoints makes it a fraction.

    Args:
        weights: What fits a model, by its names. Tensors on the ``meta`` device have no values to look at.
        model: The model.
        of: The file, for the message.

    Raises:
        UnusableWeightsError: If one is not. The message names the tensors.
    """
    own = model.state_dict(keep_vars=True)
    other_kind = [
        f'{name} is {_name(tensor.dtype)} instead of {_name(own[name].dtype)}'
        for name, tensor in weights.items()
        if _kind(tensor) != _kind(own[name]) and not name.endswith('num_batches_tracked')
    ]
    if other_kind:
        raise UnusableWeightsError(
            f'{of} holds other kinds of numbers than the {type(model).__name__}, which loading would change: '
            f'{list_names(other_kind)}: take a file that is not quantized'
        )
    not_finite = [
        name
        for name, tensor in weights.items()
        if isinstance(own[name], nn.Parameter) or name.rpartition('.')[2] in STATISTICS
        if not _is_finite(tensor, own[name].dtype)
    ]
    if not_finite:
        raise UnusableWeightsError(
            f'{of} holds numbers that are not finite, in {list_names(not_finite)}: take another file'
        )


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix('torch.')


def _is_finite(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether all values are finite in a precision: its extremes tell, as NaN is one of them, and take no memory."""
    if tensor.is_meta or not tensor.numel() or not dtype.is_floating_point:
        return True
    return bool(torch.stack(tensor.detach().to(dtype).aminmax()).isfinite().all())
