"""How a checkpoint fits a model: name by name, shape by shape."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import Source

__all__ = ['Fit', 'fit_state_dict', 'list_names']

_SHOWN = 8  # names of each kind in a message


@dataclass
class Fit:
    """How a checkpoint fits a model.

    Attributes:
        weights: What fits, under the model's names.
        source: The source whose names the file has; None for our own.
        missing: Tensors that the model has and the file lacks.
        left_over: Tensors of the file that the model has no place for.
        wrong: Tensors of another shape, and settings of another value, in words.
        skipped: Tensors of optional parts that are missing or of another shape.
        aside: Tensors of the file that are not asked for: outside of the prefix, never used by the official network, or
            of a data preprocessor, which is set by the config.
        meta: The ``meta`` of the file.
        others: Names of what else the file holds.
    """

    weights: StateDict = field(default_factory=dict)
    source: str | None = None
    missing: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def origin(self) -> str | None:
        """The source that the weights are from, also where they were converted."""
        name = self.source or self.meta.get('source')
        return name if isinstance(name, str) else None

    @property
    def num_problems(self) -> int:
        """How many names do not fit; one if nothing is left to load."""
        return len(self.missing) + len(self.left_over) + len(self.wrong) or int(not self.weights)

    def describe(self) -> str:
        """Say what does not fit; empty if everything does."""
        if not self.weights:
            return f'no tensor fits; the file has {list_names([*self.left_over, *self.wrong, *self.aside])}'
        kinds = (('missing', self.missing), ('not in the model', self.left_over), ('wrong', self.wrong))
        return '; '.join(f'{kind}: {list_names(names)}' for kind, names in kinds if names)


def list_names(names: Sequence[str]) -> str:
    """Return the first names and how many more there are."""
    return ', '.join(names[:_SHOWN]) + (f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else '')


def fit_state_dict(
    weights: StateDict,
    own: Mapping[str, Tensor],
    source: Source | None = None,
    *,
    prefix: str = '',
    optional: Sequence[str] = (),
) -> Fit:
    """Rename the tensors of a file and compare them with those of a model; see ``load_weights`` for the arguments.

    Args:
        weights: Tensors of the file.
        own: Tensors of the model.
        source: Whose names they are. None takes them as they are.
        prefix: Of the names to take, with its dot.
        optional: Expressions of the parts that may be missing or of another shape.
    """
    fit = Fit(source=source.name if source else None)
    official, renamed = _rename(weights, source, {f'{prefix}{name}' for name in own}, prefix, fit)
    expressions = [re.compile(expression) for expression in optional]

    def part(name: str) -> str | None:
        return next((found[0] for expression in expressions if (found := expression.match(name))), None)

    in_file = {part(name) for name in renamed}
    for name, tensor in renamed.items():
        if name not in own:
            fit.left_over.append(official[name])
        elif tensor.shape == own[name].shape:
            fit.weights[name] = tensor
        else:
            words = f'{official[name]} is {tuple(tensor.shape)} instead of {tuple(own[name].shape)}'
            (fit.wrong if part(name) is None else fit.skipped).append(words)
    for name in own:
        if name not in renamed and not name.endswith('num_batches_tracked'):
            (fit.missing if part(name) in {None, *in_file} else fit.skipped).append(name)
    return fit


def _rename(
    weights: StateDict, source: Source | None, own: set[str], prefix: str, fit: Fit
) -> tuple[dict[str, str], StateDict]:
    """Return the official names of our names, and the tensors under our names, without the prefix."""
    ours: dict[str, str | None] = dict(zip(weights, weights, strict=True))
    if source is not None:
        ours = source.rename(weights, own, is_part=bool(prefix))
    elif prefix and not any(name.startswith(prefix) for name in weights):
        ours = {name: f'{prefix}{name}' for name in weights}  # of the part alone
    official: dict[str, str] = {}
    for name, mine in ours.items():
        if mine is None or not mine.startswith(prefix) or name.startswith('data_preprocessor.'):
            fit.aside.append(name)
        elif mine in official:
            fit.left_over.append(name)
        else:
            official[mine] = name
    renamed = {mine: weights[name] for mine, name in official.items()}
    if source is not None and source.change is not None:
        renamed = source.change(renamed)
    return (
        {mine.removeprefix(prefix): name for mine, name in official.items()},
        {mine.removeprefix(prefix): tensor for mine, tensor in renamed.items()},
    )
