"""What a checkpoint must hold of the optimizers of a run for it to resume."""

import inspect
from collections.abc import Iterable
from functools import cache, partial
from reprlib import repr as short_repr
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.optim import Optimizer

from mmvidext.engine.run_error import RunError

__all__ = ['check_optimizer_types', 'check_optimizers', 'optimizer_changes', 'optimizer_types']

_NOT_TRIED = ('LBFGS', 'SparseAdam')  # the step of one takes a closure, that of the other sparse gradients only
_HOW = ('capturable', 'differentiable', 'foreach', 'fused')  # settings that do not change what is computed
_NEW_RUN = 'or begin a new run from its weights: --weights (load_from)'
_ADVICE = f'resume with the optimizer that it was trained with, {_NEW_RUN}'


def optimizer_types(wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, str]:
    """Return the class of each optimizer by its name, empty where there is one: their state does not say it."""
    return {name: _kind(one) for name, one in _named(wrapper).items()}


def check_optimizer_types(wrapper: OptimWrapper | OptimWrapperDict, saved: Any) -> None:
    """Check that a checkpoint is of the optimizers of this run.

    Args:
        wrapper: Of this run.
        saved: What :func:`optimizer_types` returned when it was saved.

    Raises:
        RunError: If an optimizer is another one, or ``saved`` is of another kind.
    """
    if not isinstance(saved, dict) or not all(isinstance(one, str) for one in saved.values()):
        raise RunError(f'this checkpoint is damaged: the optimizers of its exact_resume are {short_repr(saved)}')
    for name, here in optimizer_types(wrapper).items():
        there = saved.get(name, here)  # a missing one has no state either, which is said elsewhere
        if here != there:
            raise RunError(f'this checkpoint is of {there}, and the config has {here}: {_ADVICE}')


def optimizer_changes(
    wrapper: OptimWrapper | OptimWrapperDict, schedulers: Any, saved: dict[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return the settings of the optimizers that no schedule changes.

    Args:
        wrapper: Of this run.
        schedulers: Those of the runner: a list, a dictionary of lists, or None.
        saved: The ``optimizer`` of a checkpoint, which :func:`check_optimizers` let through.

    Returns:
        Name, value here and value in the checkpoint, each triple once.
    """
    changes: list[tuple[str, Any, Any]] = []
    for name, one in _named(wrapper).items():
        own = schedulers.get(name, []) if isinstance(schedulers, dict) else schedulers or []
        scheduled = {scheduler.param_name for scheduler in own}
        if 'momentum' in scheduled:
            scheduled.add('betas')  # which such a schedule changes for Adam
        groups = (saved[name] if name else saved)['param_groups']
        for here, there in zip(one.optimizer.param_groups, groups, strict=True):
            for key in one.optimizer.defaults:
                if key in there and key not in scheduled and key not in _HOW:
                    change = f'{key} of {_kind(one)}', _listed(here[key]), _listed(there[key])
                    if change not in changes:
                        changes.append(change)
    return changes


def check_optimizers(wrapper: OptimWrapper | OptimWrapperDict, saved: dict[str, Any]) -> None:
    """Check that a checkpoint has a state that the optimizers of this run can take and go on with.

    Args:
        wrapper: Of this run.
        saved: The ``optimizer`` of the checkpoint.

    Raises:
        RunError: If one has no state, that of other parameters or another optimizer, or a damaged one.
    """
    names = _named(wrapper)
    if '' not in names and (foreign := [name for name in saved if name not in names]):
        raise RunError(f'this checkpoint has the state of an optimizer {short_repr(foreign[0])}: {_ADVICE}')
    for name, one in names.items():
        _check_optimizer(one, saved.get(name) if name else saved, name or _kind(one))


def _check_optimizer(wrapper: OptimWrapper, saved: Any, name: str) -> None:
    own, kind = wrapper.optimizer, _kind(wrapper)
    state: dict[str, Any] = saved if isinstance(saved, dict) else {}
    groups: Any = state.get('param_groups')
    values: Any = state.get('state')
    here, there = [len(group['params']) for group in own.param_groups], _group_sizes(groups)
    if not there or -1 in there or not isinstance(values, dict) or not _are_dicts(values.values()):
        raise RunError(
            f'this checkpoint has no state of the optimizer {name}: resume with the config that it was trained with'
        )
    if here != there:
        raise RunError(
            f'the {kind} of the config has {len(here)} groups of parameters with {sum(here)} in all, that of this '
            f'checkpoint {len(there)} with {sum(there)}: resume with the optim_wrapper (paramwise_cfg) and '
            f'the frozen parts that it was trained with, {_NEW_RUN}'
        )
    # another version of torch may have one setting more, or one less
    missing = [key for key in own.defaults if key not in groups[0]]
    foreign = [key for key in groups[0] if key not in own.param_groups[0] and key != 'initial_lr']
    if missing and foreign:
        raise RunError(f'this checkpoint is of another optimizer than {kind}, with {", ".join(foreign[:3])}: {_ADVICE}')
    for group in [*groups, state.get('base_param_settings') or own.defaults]:
        _check_settings(own.defaults, group, kind)
    if kind not in _NOT_TRIED and _class(wrapper).__module__.startswith('torch.'):  # what others keep is theirs
        for own_group, group in zip(own.param_groups, groups, strict=True):
            settings = {key: group[key] for key in own.defaults if key in group and key not in _HOW}
            kept_of = cache(partial(_kept, _class(wrapper), settings))
            for parameter, number in zip(own_group['params'], group['params'], strict=True):
                if state_of := values.get(number):  # empty where a parameter had no gradient yet
                    _check_state(kind, kept_of(parameter.shape, parameter.dtype), state_of)
    scaler = getattr(wrapper, 'loss_scaler', None)
    if scaler is not None and 'loss_scaler' in state:
        scale = state['loss_scaler']
        if not isinstance(scale, dict) or not all(_is_number(scale.get(key)) for key in scaler.state_dict()):
            raise RunError('this checkpoint has no state of the loss scale: resume with the precision (--amp) it has')


def _check_settings(defaults: dict[str, Any], group: Any, kind: str) -> None:
    group = group if isinstance(group, dict) else {}
    for key, value in defaults.items():
        saved = group.get(key)
        if key not in _HOW and _is_numbers(value) and not (_is_numbers(saved) and _length(saved) == _length(value)):
            raise RunError(f'this checkpoint is damaged: {key} of its {kind} is {short_repr(saved)}')


def _kept(
    optimizer: type[Optimizer], settings: dict[str, Any], shape: torch.Size, dtype: torch.dtype
) -> dict[str, Any]:
    """Return what an optimizer keeps of a parameter, from a step with one."""
    parameter = nn.Parameter(torch.zeros(shape, dtype=dtype))
    parameter.grad = torch.zeros_like(parameter)
    accepted = inspect.signature(optimizer).parameters
    try:
        tried = optimizer([parameter], **{key: value for key, value in settings.items() if key in accepted})
    except ValueError as error:
        raise RunError(f'this checkpoint is damaged: the settings of its {optimizer.__name__}: {error}') from None
    tried.step()
    return tried.state[parameter]


def _check_state(kind: str, kept: dict[str, Any], saved: dict[str, Any]) -> None:
    for name, like in kept.items():
        value: Any = saved.get(name)
        if isinstance(like, Tensor) and not (_is_like(value, like) and (name != 'step' or value >= 0)):
            raise RunError(
                f'this checkpoint is damaged: {name} of its {kind} is {_described(value)} instead of '
                f'{_described(like) if like.dim() else "a number"}'
            )


def _is_like(value: Any, like: Tensor) -> bool:
    if like.dim() == 0:
        return _is_number(value)  # other versions of torch count without a tensor
    return (
        isinstance(value, Tensor)
        and not value.is_meta
        and value.is_complex() == like.is_complex()
        and value.shape == like.shape
    )


def _named(wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, OptimWrapper]:
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {'': wrapper}


def _kind(wrapper: OptimWrapper) -> str:
    return _class(wrapper).__name__


def _class(wrapper: OptimWrapper) -> type:
    """Return the class of an optimizer: of the one that ``ZeroRedundancyOptimizer`` shares out."""
    return type(getattr(wrapper.optimizer, 'optim', wrapper.optimizer))


def _group_sizes(groups: Any) -> list[int]:
    if not isinstance(groups, list) or not _are_dicts(groups):
        return []
    params = [group.get('params') for group in groups]
    return [len(one) if isinstance(one, list) and all(isinstance(p, int) for p in one) else -1 for one in params]


def _are_dicts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.numel() == 1 and not value.is_complex() and not value.is_meta
    return isinstance(value, (int, float))


def _is_numbers(value: Any) -> bool:
    return all(map(_is_number, value)) if isinstance(value, (list, tuple)) else _is_number(value)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, (list, tuple)) else None


def _listed(value: Any) -> Any:
    """Return a setting to compare and to print: betas may be a tuple or a list, a rate a tensor."""
    if isinstance(value, Tensor):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _described(value: Any) -> str:
    return f'a tensor of shape {tuple(value.shape)}' if isinstance(value, Tensor) else short_repr(value)
