"""Skip the updates that a NaN or an infinity would spoil, say where it came from, and stop when it does not end."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import groupby
from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim import Optimizer

from mmvidext.engine.finite import (
    any_rank_not_finite,
    can_be_scanned,
    gradients_of,
    loss_terms,
    names_not_finite,
    scan,
)
from mmvidext.engine.non_finite_cause import ForwardCall, describe, find_cause
from mmvidext.engine.optimizer_skips import skips_by_itself
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import optim_wrappers, unwrap_model
from mmvidext.generators import capture_generators
from mmvidext.registry import HOOKS

__all__ = ['NonFiniteHook']

# kept in the message hub, which checkpoints save: a resumed run goes on as if it had not ended
_COUNT = 'skipped_updates'
_IN_A_ROW = 'skipped_updates_in_a_row'
_IS_SPOILED = 'accumulated_update_is_spoiled'
_SHARED_OUT = '_fsdp_wrapped_module.'  # FSDP puts it into the names of modules, but not of what is saved


@dataclass
class _Iteration:
    """What is known about the iteration that runs."""

    call: ForwardCall | None = None
    is_judged: bool = False
    is_stepped: bool = False  # an optimizer was asked to step, by no scaler prevented
    is_bad: bool = False
    bad_gradients: list[str] = field(default_factory=list)
    # of an optimizer that skips by itself: the verdicts on the device, and the gradients they are about
    verdicts: list[Tensor] = field(default_factory=list)
    gradients: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # with their parameters


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Keep numbers that are not finite out of the weights.

    A training step with a NaN or an infinity in a loss or a gradient changes nothing: the optimizer gets no gradients,
    so that weights, momentum and weight decay stay, and buffers (the running statistics of batch normalization) get
    their values back. A warning names the iteration, the loss terms, the first module whose output is not finite, and
    the samples by path. With gradient accumulation the whole update is skipped; of several processes all skip if one
    must. The schedule of the learning rate goes on.

    On a GPU the verdict is waited for before each step, unless the optimizer is one of torch's with ``fused=True``: it
    skips by itself, and the wait is that of mmengine's own for the loss at the end of the iteration.

    With a loss scaler (mixed precision in float16) an infinite gradient of a finite loss is the scaler's own business
    and does not count, unless it comes with a scale below 1.

    Args:
        max_in_a_row: The run stops when so many updates in a row are skipped; 1 stops at the first. A parameter that is
            not finite stops it at once, because no later batch can repair it.

    Raises:
        ValueError: If ``max_in_a_row`` is less than 1.
    """

    priority = 'VERY_HIGH'  # before the averaged model and the checkpoint see what a bad batch left

    def __init__(self, max_in_a_row: int = 10) -> None:
        if max_in_a_row < 1:
            raise ValueError(f'max_in_a_row must be at least 1, but is {max_in_a_row}')
        self.max_in_a_row = max_in_a_row
        self._handles: list[Any] = []
        self._modules: list[nn.Module] = []  # to walk through them in every iteration would take longer than the rest
        self._buffers: list[tuple[Tensor, Tensor]] = []
        self._now = _Iteration()

    def before_train(self, runner: Runner) -> None:
        """Watch the model and the optimizers.

        Raises:
            TypeError: If an optimizer is not one of torch's kind, whose step can be prevented.
        """
        model = unwrap_model(runner.model)
        self._handles = [
            model.register_forward_pre_hook(self._before_forward, with_kwargs=True),
            model.register_forward_hook(self._after_forward),
        ]
        for optimizer in _optimizers(runner):
            self._handles.append(optimizer.register_step_pre_hook(partial(self._before_step, runner)))
            self._handles.append(optimizer.register_step_post_hook(self._after_step))

    def before_train_epoch(self, runner: Runner) -> None:
        """List the modules, and check the weights: a file may have brought them.

        Raises:
            RunError: If a parameter or a running statistic is not finite.
        """
        self._modules = list(unwrap_model(runner.model).modules())
        if bad := names_not_finite(_weights(unwrap_model(runner.model))):
            raise RunError(f'before iteration {runner.iter + 1} {_listed(bad)} not finite: check load_from')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Keep the values of the buffers."""
        self._now = _Iteration()
        owned = (buffer for module in self._modules for buffer in module._buffers.values() if buffer is not None)
        buffers = [buffer for buffer in owned if 0 not in buffer.stride()]  # one that was expanded cannot be written to
        buffers.sort(key=lambda buffer: str(buffer.dtype))
        if [id(buffer) for buffer in buffers] != [id(buffer) for buffer, _ in self._buffers]:
            self._buffers = [(buffer, torch.empty_like(buffer)) for buffer in buffers]
        # a GPU copies the buffers of one type in one launch, but those of two together one by one
        for _, group in groupby(self._buffers, key=lambda pair: pair[0].dtype):
            now, kept = zip(*group, strict=True)
            torch._foreach_copy_(list(kept), list(now))

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Judge what no step has judged, and report.

        Raises:
            RunError: If the run has to stop.
        """
        is_update = _is_update(runner)
        if self._now.verdicts:
            self._read_verdicts(runner)
        if not self._now.is_judged:
            self._judge(runner, None if _scaler(runner) else list(unwrap_model(runner.model).parameters()))
        if is_update and self._scale_is_spent(runner):
            self._now.is_bad = True
        if self._now.is_bad:
            self._count(runner)
            self._report(runner, data_batch)
        elif self._now.is_stepped and not _recall(runner, _IS_SPOILED):
            _remember(runner, _IN_A_ROW, 0)
        if is_update:
            _remember(runner, _IS_SPOILED, 0)
        self._now = _Iteration()  # frees the batch

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Refuse to save weights that are not finite.

        Raises:
            RunError: If a parameter or a running statistic is not finite.
        """
        weights = {name for name, _ in _weights(unwrap_model(runner.model))}
        state = checkpoint.get('state_dict') or {}
        if bad := names_not_finite((name, state[name]) for name in state if name in weights):
            raise RunError(
                f'no checkpoint is written, because {_listed(bad)} not finite; the earlier ones in {runner.work_dir} '
                'are as they were'
            )

    def after_train(self, runner: Runner) -> None:
        """Say how many updates were skipped."""
        for handle in self._handles:
            handle.remove()
        if count := _recall(runner, _COUNT):
            runner.logger.warning(f'{count} updates were skipped, because of numbers that were not finite')

    def _before_forward(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if model.training:
            self._now.call = ForwardCall(args, kwargs, capture_generators(), {})

    def _after_forward(self, model: nn.Module, args: Any, output: Any) -> None:
        if model.training and self._now.call is not None and isinstance(output, dict):
            # detached, so that the graph does not live longer for it
            self._now.call.losses = {
                name: [value.detach() for value in values] for name, values in loss_terms(output).items()
            }

    def _before_step(self, runner: Runner, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group['params']]
        alone = not isinstance(runner.optim_wrapper, OptimWrapperDict) and _scaler(runner) is None
        if alone and skips_by_itself(optimizer) and self._scan(runner, optimizer, parameters):
            return
        self._judge(runner, None if _scaler(runner) else parameters)
        found_inf = getattr(optimizer, 'found_inf', None)  # from the scaler, if the optimizer itself heeds it
        self._now.is_stepped = found_inf is None or not found_inf.item()
        if self._now.is_bad or _recall(runner, _IS_SPOILED):
            optimizer.zero_grad(set_to_none=True)  # an optimizer leaves a parameter without a gradient as it is

    def _scan(self, runner: Runner, optimizer: Optimizer, parameters: list[Tensor]) -> bool:
        """Let the optimizer skip this step if it has to, without waiting; False if the gradients do not allow it."""
        gradients, device = gradients_of(parameters), _device(unwrap_model(runner.model))
        if not can_be_scanned(gradients, device):
            return False
        self._now.verdicts.append(scan(self._loss_terms(), gradients, device))
        self._now.gradients += [(one, one.grad) for one in parameters if one.grad is not None]
        found = reduce(torch.maximum, self._now.verdicts)  # of several steps, all that follow a bad one are skipped
        if self._now.is_bad or _recall(runner, _IS_SPOILED):
            found = torch.ones_like(found)
        optimizer.found_inf = found  # type: ignore[attr-defined] # what GradScaler hands to such an optimizer
        self._now.is_judged = self._now.is_stepped = True
        return True

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._now.verdicts and hasattr(optimizer, 'found_inf'):
            del optimizer.found_inf

    def _read_verdicts(self, runner: Runner) -> None:
        if torch.stack(self._now.verdicts).any():
            self._now.is_bad = True
            names = {id(parameter): name for name, parameter in unwrap_model(runner.model).named_parameters()}
            named = ((names.get(id(parameter), '?'), gradient) for parameter, gradient in self._now.gradients)
            self._now.bad_gradients += names_not_finite(named)

    def _loss_terms(self) -> dict[str, list[Tensor]]:
        return loss_terms(self._now.call.losses if self._now.call else {})

    def _judge(self, runner: Runner, parameters: list[Tensor] | None) -> None:
        """Decide about this iteration; ``parameters`` None does not look at gradients, which the scaler does."""
        model = unwrap_model(runner.model)
        gradients = gradients_of(parameters or [])
        self._now.is_judged = True
        if any_rank_not_finite(self._loss_terms(), gradients, _device(model)):
            self._now.is_bad = True
            self._now.bad_gradients += names_not_finite((name, value.grad) for name, value in model.named_parameters())

    def _scale_is_spent(self, runner: Runner) -> bool:
        scaler = _scaler(runner)
        return scaler is not None and not self._now.is_stepped and scaler.get_scale() < 1

    def _count(self, runner: Runner) -> None:
        """Undo what the iteration changed, and count the update, once."""
        for buffer, kept in self._buffers:
            buffer.copy_(kept)
        for optimizer in _optimizers(runner):
            optimizer.zero_grad(set_to_none=True)
        if not _recall(runner, _IS_SPOILED):
            for name in (_COUNT, _IN_A_ROW):
                _remember(runner, name, _recall(runner, name) + 1)
        _remember(runner, _IS_SPOILED, 1)

    def _report(self, runner: Runner, data_batch: Any) -> None:
        model = unwrap_model(runner.model)
        wrapper = runner.optim_wrapper
        context = nullcontext() if isinstance(wrapper, OptimWrapperDict) else wrapper.optim_context(model)
        finding = find_cause(model, self._now.call, context, self._now.bad_gradients, data_batch)
        findings = all_gather_object(finding)
        message = f'iteration {runner.iter + 1}: {describe(findings)}'.replace(_SHARED_OUT, '')
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


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device('cpu'))


def _recall(runner: Runner, name: str) -> int:
    return int(runner.message_hub.runtime_info.get(name, 0))


def _remember(runner: Runner, name: str, value: int) -> None:
    if value or name in runner.message_hub.runtime_info:
        runner.message_hub.update_info(name, value)


def _optimizers(runner: Runner) -> list[Optimizer]:
    wrappers = optim_wrappers(runner.optim_wrapper)
    for one in wrappers:
        if not isinstance(one.optimizer, Optimizer):
            raise TypeError(
                f'NonFiniteHook needs torch optimizers, but {type(one).__name__} has a {type(one.optimizer).__name__}: '
                'set default_hooks.non_finite=None'
            )
    return [one.optimizer for one in wrappers]


def _is_update(runner: Runner) -> bool:
    """Whether this iteration was the last of those whose gradients are accumulated."""
    wrapper = runner.optim_wrapper
    return isinstance(wrapper, OptimWrapperDict) or wrapper.should_update()


def _scaler(runner: Runner) -> Any:
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler if scaler is not None and scaler.is_enabled() else None


def _weights(model: nn.Module) -> list[tuple[str, Tensor]]:
    statistics = [item for item in model.named_buffers() if item[0].endswith(('running_mean', 'running_var'))]
    return [(name.replace(_SHARED_OUT, ''), tensor) for name, tensor in (*model.named_parameters(), *statistics)]


def _listed(names: list[str]) -> str:
    more = f' (and {len(names) - 1} more)' if len(names) > 1 else ''
    return f'{names[0]}{more} is'


def _advice(runner: Runner) -> str:
    return (
        'lower the learning rate, clip the gradients (optim_wrapper.clip_grad), or check these samples; the '
        f'checkpoints in {runner.work_dir} are as they were'
    )
