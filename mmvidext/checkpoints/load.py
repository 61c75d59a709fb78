"""The one way for weights into a model: read, rename, compare with the model's own state dict, load, report."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from mmengine.logging import MMLogger
from torch import nn

from mmvidext.checkpoints.fit import Fit, fit_state_dict, list_names
from mmvidext.checkpoints.read import StateDict, read_checkpoint
from mmvidext.checkpoints.settings import wrong_settings, wrong_settings_of
from mmvidext.checkpoints.source import Source
from mmvidext.checkpoints.sources import SOURCES
from mmvidext.checkpoints.values import check_values

__all__ = ['convert_checkpoint', 'find_source', 'fit_weights', 'load_weights', 'source_names']

_DEPTHS = {  # blocks of each stage, and whether they are bottlenecks
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def load_weights(model: nn.Module, path: str | Path, *, prefix: str = '', optional: Sequence[str] = ()) -> Fit:
    """Load a checkpoint into a model, completely or not at all.

    Args:
        model: The model to fill. Its state dict decides what is expected.
        path: A file, URL, ``torchvision://NAME`` or ``open-mmlab://NAME``; official weights are renamed.
        prefix: Take only the tensors whose names begin so; the model has the same names without it.
        optional: Regular expressions. What one matches at the beginning of a name of the model is a part: it may be
            missing as a whole, and its tensors may have another shape. They keep their values and are logged.

    Returns:
        What was loaded and what was not. ``num_batches_tracked`` of batch norms may always be missing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, does not fit, or has values that the model cannot take: integers for weights,
            NaN, or what is infinite in the model's precision. The model is unchanged; the message names the tensors.
    """
    fit = fit_weights(model, path, prefix=prefix, optional=optional)
    model.load_state_dict(fit.weights, strict=False)
    return fit


def fit_weights(model: nn.Module, path: str | Path, *, prefix: str = '', optional: Sequence[str] = ()) -> Fit:
    """Read and compare as :func:`load_weights` does, with the same arguments and errors, and load nothing."""
    checkpoint = read_checkpoint(path)
    weights = _without_parallel(checkpoint.tensors)
    prefix = f'{prefix.rstrip(".")}.' if prefix else ''
    sources = [None, *_recognized(weights)]
    fit = _best_fit(weights, model, sources, prefix=prefix, optional=optional)
    fit.meta, fit.others = checkpoint.meta, checkpoint.others
    if fit.source is None:  # converted, so that it has our names by now
        fit.wrong += wrong_settings_of(fit.origin, model, fit.weights)
    if fit.num_problems:
        raise ValueError(
            f'{path} does not fit the {type(model).__name__}: {_hint(weights, model, fit)}{fit.describe()}'
        )
    check_values(fit.weights, model, of=str(path))
    _log(fit, of=str(path))
    return fit


def convert_checkpoint(state_dict: StateDict, model: nn.Module, source: str | None = None) -> StateDict:
    """Bring official weights under the names of a model.

    Left aside, and logged, is what the official network never uses, and what a data preprocessor has in the file.

    Args:
        state_dict: Official tensors by name.
        model: The whole model; it may lie on the ``meta`` device.
        source: One of :func:`source_names`. None recognizes it from the names.

    Raises:
        ValueError: If the source is unknown or cannot be recognized, or the weights do not fit the model or have values
            that it cannot take. The message names the tensors.
    """
    if source is not None and source not in source_names():
        raise ValueError(f'unknown source {source!r}; valid are {", ".join(source_names())}')
    weights = _without_parallel(state_dict)
    sources = [one for one in _recognized(weights) if source in (None, one.name)]
    if not sources:
        likely = find_source(weights)
        whose = f'those of {source!r}' if source else 'those of any source: not official, or converted already'
        hint = f'; they are those of {likely!r}' if likely else ''
        raise ValueError(f'these names ({", ".join(list(state_dict)[:3])}, ...) are not {whose}{hint}')
    fit = _best_fit(weights, model, sources)
    if fit.num_problems:
        raise ValueError(
            f'this {fit.source} checkpoint does not fit the {type(model).__name__}: '
            f'{_hint(weights, model, fit)}{fit.describe()}'
        )
    check_values(fit.weights, model, of=f'this {fit.source} checkpoint')
    _log(fit, of='the checkpoint')
    return fit.weights


def source_names() -> tuple[str, ...]:
    """Return the names of all sources."""
    return tuple(dict.fromkeys(source.name for source in SOURCES))


def find_source(state_dict: StateDict) -> str | None:
    """Return the first source whose names a state dict has, or None where it is not an official one."""
    return next((source.name for source in _recognized(_without_parallel(state_dict))), None)


def _recognized(weights: StateDict) -> list[Source]:
    return [source for source in SOURCES if source.recognize(weights)]


def _without_parallel(state_dict: StateDict) -> StateDict:
    """Drop the ``module.`` that ``DataParallel`` writes before every name."""
    twice = [name for name in state_dict if f'module.{name}' in state_dict]
    if twice:
        raise ValueError(f"these names are there with and without 'module.': {list_names(twice)}")
    return {name.removeprefix('module.'): tensor for name, tensor in state_dict.items()}


def _best_fit(
    weights: StateDict,
    model: nn.Module,
    sources: Iterable[Source | None],
    *,
    prefix: str = '',
    optional: Sequence[str] = (),
) -> Fit:
    """Try every source; return the fit with the fewest problems, the first of equals."""
    own = {name: one for name, one in model.state_dict().items() if not name.startswith('data_preprocessor.')}
    fits: list[tuple[int, int, Fit, Source | None]] = []
    for source in sources:
        fit = fit_state_dict(weights, own, source, prefix=prefix, optional=optional)
        fits.append((fit.num_problems, len(fits), fit, source))
    *_, best, source = min(fits, key=lambda entry: entry[:2])
    if source is not None:
        best.wrong += wrong_settings(model, source, best.weights)
    return best


def _log(fit: Fit, *, of: str) -> None:
    message = f'{of}: {len(fit.weights)} tensors fit'
    message += f' (source: {fit.source})' if fit.source else ''
    message += f'; not loaded: {", ".join(fit.skipped)}' if fit.skipped else ''
    message += f'; left aside: {list_names(fit.aside)}' if fit.aside else ''
    MMLogger.get_current_instance().info(message)


def _hint(weights: StateDict, model: nn.Module, fit: Fit) -> str:
    """Say what the file looks like, by its best fit and, where that can be told, its blocks."""
    source = next((source for source in _recognized(weights) if source.name == fit.source), None)
    found, expected = _depth(weights), _depth(model.state_dict())
    name = source.name if source else 'a checkpoint'
    if found and expected and found != expected:
        return f'it looks like {name} of depth {found}, and the model has depth {expected}; '
    return f'it looks like {name}{f" ({source.note})" if source.note else ""}; ' if source else ''


def _depth(names: Collection[str]) -> int | None:
    blocks = {match.groups() for name in names if (match := re.search(r'\blayer(\d)\.(?:net\.)?(\d+)\.', name))}
    counts = tuple(sum(stage == str(number) for stage, _ in blocks) for number in range(1, 5))
    return _DEPTHS.get((counts, any('.conv3.' in name for name in names)))
