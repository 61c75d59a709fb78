"""Find where a NaN or an infinity of a training step comes from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmvidext.engine.finite import loss_terms, names_not_finite
from mmvidext.engine.kept_buffers import KeptBuffers
from mmvidext.generators import capture_generators, restore_generators

__all__ = ['Finding', 'ForwardCall', 'describe', 'find_cause']

_MOST_NAMED = 8
_PATH_KEYS = ('filename', 'frame_dir', 'img_path', 'img1_path', 'video', 'video_id')


@dataclass
class ForwardCall:
    """One call of a model: its arguments, the generators before it, and the losses that it returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    generators: dict[str, Any]
    losses: Mapping[str, Any]


class Finding(NamedTuple):
    """What one process knows about its batch; a text is empty if everything is finite."""

    cause: str
    gradients: str
    parameters_are_bad: bool
    paths: tuple[str, ...]


def find_cause(
    model: nn.Module,
    call: ForwardCall | None,
    context: AbstractContextManager[Any],
    bad_gradients: Sequence[str],
    data_batch: Any,
) -> Finding:
    """Find out which loss terms, inputs, parameters, module or gradients are not finite.

    Runs the batch once more through the model, in the same mode and with the same random numbers. Generators and
    buffers, such as the running statistics of batch normalization, are as before afterwards.

    Args:
        model: The model, not wrapped for several processes.
        call: The call of it to look at, or None if there was none to be seen.
        context: What the call ran in, for example autocast.
        bad_gradients: Names of parameters whose gradients are not finite, from the input to the loss.
        data_batch: The batch as it came from the loader.
    """
    terms = loss_terms(call.losses if call else {})
    bad_terms = names_not_finite((name, value) for name, values in terms.items() for value in values)
    losses = ', '.join(f'{name}={sum(float(value.float().mean()) for value in terms[name]):.4g}' for name in terms)
    parts = [losses] if bad_terms else []
    bad_parameters = names_not_finite(model.named_parameters())
    if bad_parameters:
        parts.append(f'parameters that are not finite: {_some(bad_parameters)}')
    if call:
        if bad := list(_bad_inputs(call)):
            parts.append(f'not finite in the batch: {_some(bad)}')
        parts += _first_module(model, call, context)  # in every process: synchronized layers wait for each other
    gradients = ''
    if bad_gradients:
        gradients = (
            f'{losses}, but {len(bad_gradients)} gradients are not finite, nearest to the loss that of '
            f'{bad_gradients[-1]}'
        )
    return Finding('; '.join(parts), gradients, bool(bad_parameters), _sample_paths(data_batch))


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
    affected = [finding for finding in findings if finding.gradients]
    return f'{affected[0].gradients}; {_samples(affected)}' if affected else 'gradients were not finite'


def _samples(findings: Sequence[Finding]) -> str:
    paths = [path for finding in findings for path in finding.paths]
    return f'samples: {", ".join(paths) or "the batch does not hold their paths"}'


def _sample_paths(data_batch: Any) -> tuple[str, ...]:
    """Return the paths of the samples of a batch, as far as their meta information holds them."""
    samples = data_batch.get('data_samples') if isinstance(data_batch, Mapping) else None
    paths = []
    for sample in samples if isinstance(samples, (list, tuple)) else []:
        meta = getattr(sample, 'metainfo', {})
        paths += [str(meta[key]) for key in _PATH_KEYS if meta.get(key)][:1]
    return tuple(paths)


def _first_module(model: nn.Module, call: ForwardCall, context: AbstractContextManager[Any]) -> list[str]:
    found: list[str] = []

    def look(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        # goes on after the first one: other processes wait in the synchronized layers that follow
        if not found and names_not_finite(('', tensor) for tensor in _flatten(output)):
            found.append(f'first module whose output is not finite: {name} ({type(module).__name__})')

    handles = [module.register_forward_hook(partial(look, name)) for name, module in model.named_modules() if name]
    try:
        with torch.no_grad(), _as_before(model), context:
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
