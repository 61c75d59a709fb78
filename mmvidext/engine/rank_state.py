"""What belongs to one process of a run: generators, gradients that wait for their step, buffers."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn

from mmvidext.engine.run_parts import optim_wrappers, unwrap_model
from mmvidext.generators import capture_generators

__all__ = ['capture_rank', 'parameters_of', 'restore_rank', 'unsaved_buffers']


def unsaved_buffers(model: Any) -> dict[str, Tensor]:
    """Return the buffers of a model, by name, that are in no state dict (``persistent=False``)."""
    saved = model.state_dict()
    return {name: buffer for name, buffer in model.named_buffers() if name not in saved}


def capture_rank(runner: Runner, as_built: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the state of this process, on the CPU: ``generators``, ``gradients``, ``counts`` and ``buffers``.

    Gradients only inside of an accumulation window. Counts are how many gradients each optimizer got, by which it knows
    where its window ends: mmengine begins with the iteration, and where there are several optimizers with 0. Buffers
    (running statistics) only with several processes, where each has its own between two epochs and mmengine saves those
    of the first, and those that mmengine never saves, if they changed.

    Args:
        runner: The runner.
        as_built: What :func:`unsaved_buffers` found before the training, copied: those that follow from the config
            alone, such as a mean, are those of the config also in a resumed run.
    """
    gradients = [_copy(parameter.grad) for parameter in _accumulating(runner.optim_wrapper)]
    counts = [one.inner_count for one in optim_wrappers(runner.optim_wrapper)]
    model = unwrap_model(runner.model)
    unsaved = unsaved_buffers(model)
    unchanged = {name for name, value in as_built.items() if name in unsaved and _are_equal(unsaved[name], value)}
    own = unsaved if get_world_size() == 1 else dict(model.named_buffers())
    buffers = {name: _copy(buffer) for name, buffer in own.items() if name not in unchanged}
    return dict(generators=capture_generators(), gradients=gradients, counts=counts, buffers=buffers)


def restore_rank(runner: Runner, state: dict[str, Any]) -> None:
    """Restore gradients, counts and buffers; the generators are restored last, see :func:`restore_generators`."""
    if state['gradients']:
        parameters = list(parameters_of(runner.optim_wrapper))
        for parameter, gradient in zip(parameters, state['gradients'], strict=True):
            parameter.grad = None if gradient is None else gradient.to(parameter.device)
    for wrapper, count in zip(optim_wrappers(runner.optim_wrapper), state.get('counts', []), strict=False):
        wrapper._inner_count = count  # older checkpoints have none
    model = unwrap_model(runner.model)
    for name, buffer in list(model.named_buffers()):
        if name in state['buffers']:
            value = state['buffers'][name].to(buffer.device)
            if _is_like(value, buffer):
                with torch.no_grad():
                    buffer.copy_(value)
            else:  # it grows in training, or was made anew there
                module, _, own_name = name.rpartition('.')
                setattr(model.get_submodule(module), own_name, value)


def _is_like(value: Tensor, other: Tensor) -> bool:
    return (value.shape, value.dtype, value.device) == (other.shape, other.dtype, other.device)


def _are_equal(value: Tensor, other: Tensor) -> bool:
    return _is_like(value, other) and torch.equal(value, other)


def _copy(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach().cpu().clone()


def parameters_of(wrapper: OptimWrapper | OptimWrapperDict) -> Iterator[nn.Parameter]:
    """Yield the parameters of a run's optimizers, in the order in which their gradients are kept."""
    for one in optim_wrappers(wrapper):
        for group in one.optimizer.param_groups:
            yield from group['params']


def _accumulating(wrapper: Any) -> list[nn.Parameter]:
    """Return all parameters if their gradients wait for a later step, else none."""
    return [] if all(one.should_update() for one in optim_wrappers(wrapper)) else list(parameters_of(wrapper))
