"""A checkpoint's layout as a table: official name, our name, shape. Converting looks up every row, and only those."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mmvidext.checkpoints.source import StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['Entry', 'apply_layout', 'classifier', 'norm', 'weight', 'with_prefix', 'without_prefix']

Shape = tuple[int | None, ...]
_SHOWN = 8  # names of each kind in an error message


@dataclass(frozen=True)
class Entry:
    """One tensor of an official checkpoint.

    Attributes:
        official: Its name there.
        ours: Its name here, or None for a tensor that the official network never uses.
        shape: Its size there; None stands for any.
        optional: May be missing.
        squeeze: Drop the last dimension, which is 1.
    """

    official: str
    ours: str | None
    shape: Shape
    optional: bool = False
    squeeze: bool = False


def weight(official: str, ours: str | None, shape: Shape) -> Entry:
    """Return the row of a convolution without bias."""
    return Entry(f'{official}.weight', ours and f'{ours}.weight', shape)


def classifier(
    state_dict: StateDict, names: tuple[str, ...], in_features: int, *, squeeze: bool = False
) -> list[Entry]:
    """Return the rows of a classifier with any number of classes, which its weight tells.

    Args:
        state_dict: Official tensors.
        names: What it may be called; the one that most of its two tensors have is taken, the first one if none has any.
        in_features: Channels that it sees.
        squeeze: Whether it is a convolution of size 1 there.
    """
    name = max(names, key=lambda name: (f'{name}.weight' in state_dict) + (f'{name}.bias' in state_dict))
    matrix = state_dict.get(f'{name}.weight')
    classes = None if matrix is None or matrix.ndim == 0 else matrix.shape[0]
    shape = (None, in_features, 1) if squeeze else (None, in_features)
    return [
        Entry(f'{name}.weight', 'cls_head.fc_cls.weight', shape, squeeze=squeeze),
        Entry(f'{name}.bias', 'cls_head.fc_cls.bias', (classes,)),
    ]


def norm(official: str, ours: str | None, channels: int) -> Iterator[Entry]:
    """Yield the rows of a batch norm; old checkpoints do not count batches."""
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        yield Entry(f'{official}.{name}', ours and f'{ours}.{name}', (channels,))
    yield Entry(f'{official}.num_batches_tracked', ours and f'{ours}.num_batches_tracked', (), optional=True)


def with_prefix(entries: Iterable[Entry], *, official: str = '', ours: str = '') -> list[Entry]:
    """Return the rows with prefixes before their official and our names."""
    return [
        replace(entry, official=official + entry.official, ours=entry.ours and ours + entry.ours) for entry in entries
    ]


def without_prefix(state_dict: StateDict, prefix: str) -> StateDict:
    """Return the tensors without a prefix that most of their names have.

    Raises:
        ValueError: If a name stands there with and without it.
    """
    if not majority(name.startswith(prefix) for name in state_dict):
        return dict(state_dict)
    twice = [name for name in state_dict if prefix + name in state_dict]
    if twice:
        raise ValueError(f'these names are there with and without {prefix!r}: {_list(twice)}')
    return {name.removeprefix(prefix): tensor for name, tensor in state_dict.items()}


def _fits(size: tuple[int, ...], shape: Shape) -> bool:
    return len(size) == len(shape) and all(want in (None, have) for have, want in zip(size, shape, strict=True))


def _list(names: list[str]) -> str:
    return ', '.join(names[:_SHOWN]) + (f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else '')


def apply_layout(state_dict: StateDict, entries: Iterable[Entry], *, source: str) -> StateDict:
    """Rename a state dict by its layout.

    Args:
        state_dict: Official tensors.
        entries: Every tensor that the official model has.
        source: Name of the source, for the error.

    Returns:
        The same tensors under our names.

    Raises:
        ValueError: If a tensor is missing, is not in the layout, or has the wrong shape. The message names it.
    """
    table = {entry.official: entry for entry in entries}
    missing = [name for name, entry in table.items() if name not in state_dict and not entry.optional]
    unexpected = [name for name in state_dict if name not in table]
    wrong = [
        f'{name} is {tuple(state_dict[name].shape)} instead of {str(entry.shape).replace("None", "any")}'
        for name, entry in table.items()
        if name in state_dict and not _fits(tuple(state_dict[name].shape), entry.shape)
    ]
    problems = [('missing', missing), ('not known', unexpected), ('wrong shape', wrong)]
    found = '; '.join(f'{what}: {_list(names)}' for what, names in problems if names)
    if found:
        raise ValueError(f'this is not a whole {source} checkpoint: {found}')
    return {
        entry.ours: state_dict[name].squeeze(-1) if entry.squeeze else state_dict[name]
        for name, entry in table.items()
        if name in state_dict and entry.ours is not None
    }
