"""Find where a NaN or an infinity of a training step comes from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmvidext.engine.finite import loss_terms, names_not_finite, terms_not_finite
from mmvidext.engine.kept_buffers import KeptBuffers
from mmvidext.generators import capture_generators, restore_generators

__all__ = ['Finding', 'ForwardCall', 'describe', 'find_cause', 'look_at_gradients']

_MOST_NAMED = 8
_PATH_KEYS = ('filename', 'frame_dir', 'img_path', 'img1_path', 'video', 'video_id')


@dataclass
class ForwardCall:
    """One call of a model: its arguments, generators and autocast before it, and the losses that it returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    generators: dict[str, Any]
    autocast: AbstractContextManager[Any]
    losses: Mapping[str, Any]


class Finding(NamedTuple):
    """What one process knows about its batch; a text is empty if everything is finite."""

    cause: str
    gradients: str
    parameters_are_bad: bool
    paths: tuple[str, ...]


def look_at_gradients(model: nn.Module, *, clipped_by_norm: bool) -> str:
    """Say which gradients of a model are not finite; empty if all are."""
    bad = names_not_finite((name, parameter.grad) for name, parameter in model.named_parameters())
    if bad and clipped_by_norm:
        return f'{len(bad)} gradients are not finite, as clipping by their norm leaves all if one of them is not'
    return f'{len(bad)} gradients are not finite, nearest to the loss that of {bad[-1]}' if bad else ''


def find_cause(
    model: nn.Module, call: ForwardCall | None, gradients: str, statistics: Sequence[str], data_batch: Any
) -> Finding:
    """Find out which loss terms, inputs, parameters, module or gradients are not finite.

    Runs the batch once more through the model, in the same mode and with the same random numbers. Generators and
    buffers, such as the running statistics of batch normalization, are as before afterwards.

    Args:
        model: The model, not wrapped for several processes.
        call: The call of it to look at, or None if there was none to be seen.
        gradients: What :func:`look_at_gradients` said.
        statistics: Names of running statistics that this step made not finite.
        data_batch: The batch as it came from the loader.
    """
    terms = loss_terms(call.losses if call else {})
    bad_terms = terms_not_finite(call.losses) if call else []
    losses = ', '.join(f'{name}={sum(float(value.float().mean()) for value in terms[name]):.4g}' for name in terms)
    parts = [losses] if bad_terms else []
    bad_parameters = names_not_finite(model.named_parameters())
    if bad_parameters:
        parts.append(f'parameters that are not finite: {_some(bad_parameters)}')
    if call:
        if bad := list(_bad_inputs(call)):
            parts.append(f'not finite in the batch: {_some(bad)}')
        parts += _first_module(model, call)  # in every process: synchronized layers wait for each other
    beside = f'{losses}, but ' if losses else ''
    if statistics and not parts:
        parts.append(f'{beside}running statistics are not finite: {_some(statistics)}')
    paths = tuple(dict.fromkeys(_sample_paths(data_batch)))  # branches may hold the same samples
    return Finding('; '.join(parts), f'{beside}{gradients}' if gradients else '', bool(bad_parameters), paths)


def describe(findings: Sequence[Finding]) -> str:
    """Join what the processes found.

    Gradients say something only when every loss is finite; after an exchange they are the same in all processes.
    """
    where = 'rank {}: ' if len(findings) > 1 else ''
    causes = [
        f'{where.format(rank)}{finding.cause}; {_samples([finding])}'
        for rank, finding in enumerate(findings)
        if finding.cause
    ]
    if causes:
        return ' | '.join(causes)
    affected = [finding for finding in findings if finding.gradients] or findings
    return f'{affected[0].gradients or "gradients were not finite"}; {_samples(affected)}'


def _samples(findings: Sequence[Finding]) -> str:
    paths = [path for finding in findings for path in finding.paths]
    return f'samples: {", ".join(paths) or "the batch does not hold their paths"}'


def _sample_paths(batch: Any) -> Iterator[str]:
    """Yield the paths of the samples of a batch, as far as their meta information holds them."""
    meta = getattr(batch, 'metainfo', batch)
    if isinstance(meta, Mapping):
        for key in _PATH_KEYS:
            found = meta.get(key)
            values = found if isinstance(found, (list, tuple)) else [found]  # of a whole batch, or of one sample
            if paths := [str(value) for value in values if isinstance(value, (str, int, PathLike))]:
                yield from paths
                return
        batch = list(meta.values()) if meta is batch else []  # the parts of a batch, or its branches
    for part in batch if isinstance(batch, (list, tuple)) else []:
        yield from _sample_paths(part)


def _first_module(model: nn.Module, call: ForwardCall) -> list[str]:
    found: list[str] = []

    def look(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        # goes on after the first one: other processes wait in the synchronized layers that follow
        if not found and names_not_finite(('', tensor) for tensor in _flatten(output)):
            found.append(f'first module whose output is not finite: {name} ({type(module).__name__})')

    handles = [
        module.register_forward_hook(partial(look, name))
        for name, module in model.named_modules()
        if name and not isinstance(module, torch.jit.ScriptModule)  # takes no hooks
    ]
    try:
        with torch.no_grad(), _as_before(model), call.autocast:
            restore_generators(call.generators)
            model.forward(*call.args, **call.kwargs)  # not model(...): its own hooks are not to see this call
    except Exception as error:  # whatever a model may raise: a diagnosis must not end the run
        print_log(f'the batch could not be run once more: {error!r}', logger='current')
    finally:
        for handle in handles:
            handle.remove()
    return found


@contextmanager
def _as_before(model: nn.Module) -> Iterator[None]:
    generators, buffers = capture_generators(), KeptBuffers(model)
    buffers.keep()
    try:
        yield
    finally:
        restore_generators(generators)
        buffers.put_back()


def _bad_inputs(call: ForwardCall) -> Iterator[str]:
    """Yield the arguments that are not finite, with their places in the batch: ``inputs[3]``."""
    for name, value in [*enumerate(call.args), *call.kwargs.items()]:
        samples = value if isinstance(value, (list, tuple)) or (isinstance(value, Tensor) and value.dim()) else [value]
        for place, sample in enumerate(samples):
            if names_not_finite(('', tensor) for tensor in _flatten(sample)):
                yield f'{name}[{place}]'


def _flatten(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _flatten(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _flatten(item)


def _some(names: Sequence[str]) -> str:
    rest = f' and {len(names) - _MOST_NAMED} more' if len(names) > _MOST_NAMED else ''
    return ', '.join(names[:_MOST_NAMED]) + rest
