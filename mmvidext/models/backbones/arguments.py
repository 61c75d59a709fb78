"""Checks of arguments that several backbones take."""

from collections.abc import Sequence
from typing import Any

from mmvidext.ops.checks import check_numbers

__all__ = ['check_out_indices', 'check_start', 'choose']


def choose(value: Any, valid: Sequence[Any], *, name: str, owner: str) -> Any:
    """Return ``value`` if it is one of ``valid``.

    Raises:
        ValueError: Otherwise; the message lists the valid values.
    """
    if value not in valid:
        raise ValueError(f'{owner}: unknown {name} {value!r}; valid are {", ".join(map(repr, valid))}')
    return value


def check_out_indices(out_indices: Sequence[int], num_stages: int, *, owner: str) -> None:
    """Raise unless stages to return are one or more of those that there are, in increasing order.

    Raises:
        ValueError: If they are not.
    """
    last = num_stages - 1
    check_numbers(out_indices, 0, last, name=f'{owner}: out_indices', form='stages', whole=True)
    if sorted(set(out_indices)) != list(out_indices):
        raise ValueError(f'{owner}: out_indices must be increasing stages from 0 to {last}, not {tuple(out_indices)}')


def check_start(pretrained: str | None, init_cfg: Any, *, owner: str) -> None:
    """Raise unless at most one of ``pretrained`` and ``init_cfg`` says what the weights are at first.

    Args:
        pretrained: The argument of the backbone.
        init_cfg: What the user gave as its ``init_cfg``; None for its default.
        owner: The backbone's class, for the message.

    Raises:
        ValueError: If both do, or ``pretrained`` is empty.
    """
    if pretrained is None:
        return
    if not pretrained:
        raise ValueError(f'{owner}: pretrained must name a checkpoint, or be None for none, but is {pretrained!r}')
    if init_cfg is not None:
        raise ValueError(
            f'{owner}: give either pretrained or init_cfg, not both: with init_cfg, set pretrained=None '
            f'(it is {pretrained!r})'
        )
