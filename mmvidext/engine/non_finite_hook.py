"""Skip the updates that a NaN or an infinity would spoil, say where it came from, and stop when it does not end."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from mmvidext.engine.finite import (
    SHARED_OUT,
    any_rank_not_finite,
    gradients_of,
    loss_terms,
    names_not_finite,
    statistics_of,
    terms_not_finite,
    weights_of,
)
from mmvidext.engine.kept_buffers import KeptBuffers
from mmvidext.engine.non_finite_cause import ForwardCall, describe, find_cause, look_at_gradients
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import optim_wrappers, unwrap_model
from mmvidext.generators import capture_generators
from mmvidext.registry import HOOKS

__all__ = ['NonFiniteHook']

# kept in the message hub, which checkpoints save: a resumed run goes on as if it had not ended
_COUNT = 'skipped_updates'
_IN_A_ROW = 'skipped_updates_in_a_row'
_IS_SPOILED = 'accumulated_update_is_spoiled'

# what watches a model or an optimizer: a run that ended with an error leaves it there, for the next run to take away
_WATCHED: WeakKeyDictionary[Any, list[RemovableHandle]] = WeakKeyDictionary()


@dataclass
class _Iteration:
    """What is known about the iteration that runs."""

    is_running: bool = False  # else the model is called by somebody else, between iterations
    calls: list[ForwardCall] = field(default_factory=list)
    is_judged: bool = False
    is_stepped: bool = False  # an optimizer was asked to step, by no scaler prevented
    is_bad: bool = False
    bad_gradients: str = ''
    bad_statistics: list[str] = field(default_factory=list)


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Keep numbers that are not finite out of the weights.

    A training step with a NaN or an infinity in a loss, a gradient or a running statistic of a normalization changes
    nothing: the optimizer gets no gradients, so that weights, momentum and weight decay stay, and buffers (those
    statistics among them) get their values back. A warning names the iteration, the loss terms, the first module whose
    output is not finite, and the samples by path. With gradient accumulation the whole update is skipped; of several
    processes all skip if one must. The schedule of the learning rate goes on.

    On a GPU the verdict is waited for before each step, as mmengine itself waits for the norm of clipped gradients. Of
    several optimizers each is judged by itself: one that has stepped before another must not has stepped.

    With a loss scaler (mixed precision in float16) an infinite gradient of a finite loss is the scaler's own business
    and does not count, unless it comes with a scale below 1.

    Args:
        max_in_a_row: The run stops when so many updates in a row are skipped; 1 stops at the first. A parameter that is
            not finite stops it at once, because no later batch can repair it; one that the loss does not depend on
            stops it before the next checkpoint.

    Raises:
        ValueError: If ``max_in_a_row`` is less than 1.
    """

    priority = 'VERY_HIGH'  # before the averaged model and the checkpoint see what a bad batch left

    def __init__(self, max_in_a_row: int = 10) -> None:
        if max_in_a_row < 1:
            raise ValueError(f'max_in_a_row must be at least 1, but is {max_in_a_row}')
        self.max_in_a_row = max_in_a_row
        self._buffers = KeptBuffers(nn.Module())
        self._now = _Iteration()

    def before_train(self, runner: Runner) -> None:
        """Watch the model and the optimizers.

        Raises:
            TypeError: If an optimizer is not one of torch's kind, whose step can be prevented.
        """
        model, wrappers = unwrap_model(runner.model), optim_wrappers(runner.optim_wrapper)
        for wrapper in wrappers:
            if not isinstance(wrapper.optimizer, Optimizer):
                raise TypeError(
                    f'NonFiniteHook needs torch optimizers, but {type(wrapper).__name__} has a '
                    f'{type(wrapper.optimizer).__name__}: set default_hooks.non_finite=None'
                )
        self._stop_watching(runner)  # a hook of a run before this one
        # none of these is compiled with the training step: they read generators and numbers, which no graph holds
        before_forward, after_forward = map(torch.compiler.disable, (self._before_forward, self._after_forward))
        _watch(model, model.register_forward_pre_hook(before_forward, with_kwargs=True))
        _watch(model, model.register_forward_hook(after_forward))
        for wrapper in wrappers:
            hook = torch.compiler.disable(partial(self._before_step, runner, wrapper))
            _watch(wrapper.optimizer, wrapper.optimizer.register_step_pre_hook(hook))

    def before_train_epoch(self, runner: Runner) -> None:
        """List the buffers, and check the weights: a file may have brought them.

        Raises:
            RunError: If a parameter or a running statistic is not finite.
        """
        self._buffers = KeptBuffers(unwrap_model(runner.model))
        ranks = all_gather_object(names_not_finite(weights_of(unwrap_model(runner.model))))
        if bad := next(filter(None, ranks), None):
            advice = f'go on from an earlier checkpoint in {runner.work_dir}' if runner.iter else 'check load_from'
            raise RunError(f'before iteration {runner.iter + 1} {_listed(bad)} not finite: {advice}')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Keep the values of the buffers."""
        self._now = _Iteration(is_running=True)
        self._buffers.keep()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Judge what no step has judged, and report.

        Raises:
            RunError: If the run has to stop.
        """
        is_update = _is_update(runner)
        if not self._now.is_judged:
            self._judge(runner, optim_wrappers(runner.optim_wrapper))
        if is_update and self._scale_is_spent(runner):
            self._now.is_bad = True
        now, self._now = self._now, _Iteration()  # also if the run stops here: holds no batch between iterations
        if now.is_bad:
            self._count(runner)
        elif now.is_stepped and not _recall(runner, _IS_SPOILED):
            _remember(runner, _IN_A_ROW, 0)
        if is_update:
            _remember(runner, _IS_SPOILED, 0)
        if now.is_bad:
            self._report(runner, now, data_batch)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Refuse to save weights that are not finite.

        Raises:
            RunError: If a parameter or a running statistic is not finite.
        """
        weights = {name for name, _ in weights_of(unwrap_model(runner.model))}
        state = checkpoint.get('state_dict') or {}
        if bad := names_not_finite((name, state[name]) for name in state if name in weights):
            raise RunError(
                f'no checkpoint is written, because {_listed(bad)} not finite; the earlier ones in {runner.work_dir} '
                'are as they were'
            )

    def after_train(self, runner: Runner) -> None:
        """Say how many updates were skipped."""
        self._stop_watching(runner)
        if count := _recall(runner, _COUNT):
            runner.logger.warning(f'{count} updates were skipped, because of numbers that were not finite')

    def _stop_watching(self, runner: Runner) -> None:
        optimizers = [wrapper.optimizer for wrapper in optim_wrappers(runner.optim_wrapper)]
        for watched in (unwrap_model(runner.model), *optimizers):
            for handle in _WATCHED.pop(watched, []):
                handle.remove()

    def _before_forward(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if model.training and self._now.is_running:
            self._now.calls.append(ForwardCall(args, kwargs, capture_generators(), _autocast(_device(model)), {}))

    def _after_forward(self, model: nn.Module, args: Any, output: Any) -> None:
        if model.training and self._now.calls and isinstance(output, dict):
            # detached, so that the graph does not live longer for it
            self._now.calls[-1].losses = {
                name: [value.detach() for value in values] for name, values in loss_terms(output).items()
            }

    def _before_step(self, runner: Runner, wrapper: OptimWrapper, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self._now.is_running:
            return
        if any(map(callable, (*args[1:], *kwargs.values()))):
            raise RunError(
                f'{type(optimizer).__name__} computes gradients inside of its step, by a closure, where NonFiniteHook '
                'cannot look at them: set default_hooks.non_finite=None'
            )
        self._judge(runner, [wrapper])
        found_inf = getattr(optimizer, 'found_inf', None)  # from the scaler, if the optimizer itself heeds it
        self._now.is_stepped = found_inf is None or not found_inf.item()
        if self._now.is_bad or _recall(runner, _IS_SPOILED):
            optimizer.zero_grad(set_to_none=True)  # an optimizer leaves a parameter without a gradient as it is

    def _judge(self, runner: Runner, wrappers: list[OptimWrapper]) -> None:
        """Decide about this iteration, from all losses until now and the gradients that no scaler looks at."""
        model = unwrap_model(runner.model)
        groups = [group for one in wrappers if not _scaler(one) for group in one.optimizer.param_groups]
        gradients = gradients_of(parameter for group in groups for parameter in group['params'])
        losses = [loss for call in self._now.calls for values in call.losses.values() for loss in values]
        self._now.is_judged = True
        if any_rank_not_finite(losses + self._buffers.running_statistics(), gradients, _device(model)):
            self._now.is_bad = True
            clips = any(getattr(one, 'clip_func', None) is torch.nn.utils.clip_grad_norm_ for one in wrappers)
            self._now.bad_gradients = look_at_gradients(model, clipped_by_norm=clips)
            self._now.bad_statistics = names_not_finite(statistics_of(model))

    def _scale_is_spent(self, runner: Runner) -> bool:
        scalers = [scaler for one in optim_wrappers(runner.optim_wrapper) if (scaler := _scaler(one))]
        return not self._now.is_stepped and any(scaler.get_scale() < 1 for scaler in scalers)

    def _count(self, runner: Runner) -> None:
        """Undo what the iteration changed, and count the update, once."""
        self._buffers.put_back()
        for wrapper in optim_wrappers(runner.optim_wrapper):
            wrapper.optimizer.zero_grad(set_to_none=True)
        if not _recall(runner, _IS_SPOILED):
            for name in (_COUNT, _IN_A_ROW):
                _remember(runner, name, _recall(runner, name) + 1)
        _remember(runner, _IS_SPOILED, 1)

    def _report(self, runner: Runner, now: _Iteration, data_batch: Any) -> None:
        call = _call_to_look_at(now.calls)
        finding = find_cause(unwrap_model(runner.model), call, now.bad_gradients, now.bad_statistics, data_batch)
        findings = all_gather_object(finding)
        message = f'iteration {runner.iter + 1}: {describe(findings)}'.replace(SHARED_OUT, '')
        if any(finding.parameters_are_bad for finding in findings):
            raise RunError(f'{message}. No later batch can repair a parameter: {_advice(runner)}')
        in_a_row = _recall(runner, _IN_A_ROW)
        if in_a_row >= self.max_in_a_row:
            raise RunError(
                f'{message}. {in_a_row} updates in a row were skipped (max_in_a_row of NonFiniteHook is '
                f'{self.max_in_a_row}): {_advice(runner)}'
            )
        runner.logger.warning(
            f'{message}. The update is skipped: {in_a_row} in a row, of at most {self.max_in_a_row}, and '
            f'{_recall(runner, _COUNT)} in all'
        )


def _watch(watched: Any, handle: RemovableHandle) -> None:
    _WATCHED.setdefault(watched, []).append(handle)


def _autocast(device: torch.device) -> torch.autocast:
    """Return the autocast of now, to run something under it once more."""
    kind = device.type
    return torch.autocast(kind, dtype=torch.get_autocast_dtype(kind), enabled=torch.is_autocast_enabled(kind))


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device('cpu'))


def _recall(runner: Runner, name: str) -> int:
    return int(runner.message_hub.runtime_info.get(name, 0))


def _remember(runner: Runner, name: str, value: int) -> None:
    if value or name in runner.message_hub.runtime_info:
        runner.message_hub.update_info(name, value)


def _call_to_look_at(calls: list[ForwardCall]) -> ForwardCall | None:
    """Return the first call in which a loss of any process is not finite, or else the last one: the same in all."""
    place = next((place for place, call in enumerate(calls) if terms_not_finite(call.losses)), None)
    places = [place for place in all_gather_object(place) if place is not None]
    return calls[min([*places, len(calls) - 1])] if calls else None


def _is_update(runner: Runner) -> bool:
    """Whether this iteration was the last of those whose gradients are accumulated."""
    return all(wrapper.should_update() for wrapper in optim_wrappers(runner.optim_wrapper))


def _scaler(wrapper: OptimWrapper) -> Any:
    scaler = getattr(wrapper, 'loss_scaler', None)
    return scaler if scaler is not None and scaler.is_enabled() else None


def _listed(names: list[str]) -> str:
    more = f' (and {len(names) - 1} more)' if len(names) > 1 else ''
    return f'{names[0]}{more} is'


def _advice(runner: Runner) -> str:
    return (
        'lower the learning rate, clip the gradients (optim_wrapper.clip_grad), or check these samples; the '
        f'checkpoints in {runner.work_dir} are as they were'
    )
