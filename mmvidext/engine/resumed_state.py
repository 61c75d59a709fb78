"""What the part of a checkpoint that mmengine does not have must be like for a run to resume from it."""

from collections.abc import Sequence
from numbers import Real
from reprlib import repr as short_repr
from types import NoneType
from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from mmvidext.engine.optimizer_checks import check_optimizer_types
from mmvidext.engine.rank_state import parameters_of, unsaved_buffers
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import optim_wrappers, unwrap_model
from mmvidext.generators import check_generators

__all__ = ['check_training_state']


def check_training_state(runner: Runner, state: Any) -> None:
    """Check the kinds and shapes of what :class:`~mmvidext.engine.training_state_hook.TrainingStateHook` saved.

    Raises:
        RunError: If one is another, which the message names, or it is of a run with another optimizer.
    """
    state = state if isinstance(state, dict) else {}
    for name, is_right in {
        'ranks': isinstance(state.get('ranks'), list) and len(state['ranks']) > 0,
        'batches': _is_count(state.get('batches'), least=1),
        'batch_size': state.get('batch_size') is None or _is_count(state['batch_size'], least=1),
        # older ones do not have these five
        'samples': _is_count(state.get('samples', 1), least=1),
        'consumed': _is_count(state.get('consumed', 0), least=0),
        'data': isinstance(state.get('data'), (str, NoneType)),
        'arithmetic': isinstance(state.get('arithmetic', {}), dict),
        'pipeline': isinstance(state.get('pipeline'), (list, NoneType)),
        'validated': isinstance(state.get('validated'), bool),
        'early_stopping': _are_of_early_stopping(state.get('early_stopping')),
        'stop_training': isinstance(state.get('stop_training'), bool),
    }.items():
        if not is_right:
            raise RunError(f'this checkpoint is damaged: {name} of its exact_resume is {short_repr(state.get(name))}')
    if 'optimizers' in state:  # older ones do not have them
        check_optimizer_types(runner.optim_wrapper, state['optimizers'])
    parameters = list(parameters_of(runner.optim_wrapper))
    num_wrappers = len(optim_wrappers(runner.optim_wrapper))
    model = unwrap_model(runner.model)
    # those that mmengine does not save may have another shape: some grow in training
    unsaved = unsaved_buffers(model)
    fixed = {name: buffer for name, buffer in model.named_buffers() if name not in unsaved}
    for number, rank in enumerate(state['ranks']):
        if problem := _problem_of_rank(rank, parameters, num_wrappers, fixed):
            raise RunError(f'this checkpoint is damaged: process {number} of its exact_resume has {problem}')


def _problem_of_rank(
    rank: Any, parameters: Sequence[Tensor], num_wrappers: int, fixed: dict[str, Tensor]
) -> str | None:
    rank = rank if isinstance(rank, dict) else {}
    try:
        check_generators(rank.get('generators'))
    except ValueError as error:
        return str(error)
    gradients, saved = rank.get('gradients'), rank.get('buffers')
    if not isinstance(gradients, list) or (gradients and len(gradients) != len(parameters)):
        return f'gradients {short_repr(gradients)}'
    for gradient, parameter in zip(gradients, parameters, strict=False):
        if gradient is not None and not (_is_like(gradient, parameter) and gradient.dtype == parameter.dtype):
            return f'a gradient {_described(gradient)} for a parameter {_described(parameter)}'
    counts = rank.get('counts', [0] * num_wrappers)  # older ones do not have them
    if (
        not isinstance(counts, list)
        or len(counts) != num_wrappers
        or not all(_is_count(one, least=0) for one in counts)
    ):
        return f'counts {short_repr(counts)}'
    if not isinstance(saved, dict):
        return f'buffers {short_repr(saved)}'
    for name, value in saved.items():
        if name in fixed and not _is_like(value, fixed[name]):
            return f'a buffer {name} {_described(value)} instead of {_described(fixed[name])}'
        if not isinstance(value, Tensor) or value.is_meta:
            return f'a buffer {name} {_described(value)}'
    return None


def _is_like(value: Any, own: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == own.shape and not value.is_meta


def _described(value: Any) -> str:
    return f'{value.dtype} {tuple(value.shape)}' if isinstance(value, Tensor) else short_repr(value)


def _is_count(value: Any, *, least: int) -> bool:
    return isinstance(value, int) and value >= least


def _are_of_early_stopping(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(one, dict) and _is_count(one.get('wait_count'), least=0) and _is_score(one.get('best_score'))
        for one in values
    )


def _is_score(value: Any) -> bool:
    return isinstance(value, Real) or (isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta)
