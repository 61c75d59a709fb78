"""Argument checks shared by the ops and the layers around them."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

__all__ = [
    'check_at_least',
    'check_between',
    'check_no_nan',
    'check_numbers',
    'check_odd',
    'check_positive',
    'check_range',
    'check_rank',
    'check_reach',
    'check_segments',
]

_LARGEST_REACH = 2**12  # cells; more is a mistake, and overflows the sizes of the buffers


def check_rank(tensor: Tensor, layout: str, *, name: str) -> None:
    """Raise unless ``tensor`` has as many dimensions as ``layout`` names.

    Args:
        tensor: The argument to check.
        layout: Its documented shape, for example ``'(N, C, H, W)'``.
        name: The argument's name, for the message.

    Raises:
        ValueError: If the number of dimensions differs.
    """
    expected = layout.count(',') + 1
    if tensor.ndim != expected:
        raise ValueError(f'{name} must be {layout}, {expected} dimensions, but its shape is {tuple(tensor.shape)}')


def check_at_least(value: int, least: int, *, name: str) -> None:
    """Raise unless a count or a size is a whole number of at least ``least``.

    Raises:
        ValueError: If it is not.
    """
    if not _is_whole(value) or value < least:
        raise ValueError(f'{name} must be a whole number, at least {least}, but is {value!r}')


def check_odd(value: int, *, name: str) -> None:
    """Raise unless a size is an odd number.

    Raises:
        ValueError: If it is not.
    """
    if not _is_whole(value) or value < 1 or value % 2 == 0:
        raise ValueError(f'{name} must be an odd number, 1 or more, so that it has a center: {value!r}')


def check_positive(value: float, *, name: str, hint: str = '') -> None:
    """Raise unless ``value`` is a finite number above zero.

    Args:
        value: The argument to check.
        name: Its name, for the message.
        hint: What else is allowed, for the message.

    Raises:
        ValueError: If it is not; also for NaN.
    """
    if not _is_number(value) or not 0 < value < float('inf'):
        raise ValueError(f'{name} must be a positive, finite number{hint}, but is {value!r}')


def check_between(value: float, least: float, most: float, *, name: str, hint: str = '') -> None:
    """Raise unless ``value`` is a number from ``least`` to ``most``.

    Args:
        value: The argument to check.
        least: The smallest that is allowed.
        most: The largest.
        name: Its name, for the message.
        hint: What else is allowed, for the message.

    Raises:
        ValueError: If it is not; also for NaN.
    """
    if not _is_number(value) or not least <= value <= most:
        raise ValueError(f'{name} must be between {least:g} and {most:g}{hint}, but is {value!r}')


def check_numbers(
    values: Sequence[float], least: float, most: float, *, name: str, form: str, count: int = 0, whole: bool = False
) -> None:
    """Raise unless ``values`` are one or more numbers from ``least`` to ``most``.

    Args:
        values: The argument to check.
        least: The smallest that is allowed.
        most: The largest.
        name: Its name, for the message.
        form: How it is written, for the message, such as ``'(height, width)'``.
        count: How many there must be; 0 is any number but none.
        whole: Whether they must be whole.

    Raises:
        ValueError: If they are not; also for NaN.
    """
    is_kind = _is_whole if whole else _is_number
    fits = isinstance(values, Sequence) and len(values) == (count or max(len(values), 1))
    if not fits or not all(is_kind(value) and least <= value <= most for value in values):
        kind = 'whole numbers' if whole else 'numbers'
        raise ValueError(f'{name} must be {form}, {kind} from {least:g} to {most:g}, but is {values!r}')


def check_range(values: Sequence[float], least: float, most: float, *, name: str) -> None:
    """Raise unless ``values`` are the smallest and the largest number of a range within ``least`` and ``most``.

    Raises:
        ValueError: If they are not.
    """
    form = '(smallest, largest)'
    check_numbers(values, least, most, name=name, form=form, count=2)
    if values[0] > values[1]:
        raise ValueError(f'{name} must be {form}, but is {values!r}')


def check_no_nan(value: float, *, name: str) -> None:
    """Raise if a number, which may be infinite, is NaN: nothing compares with it.

    Raises:
        ValueError: If it is.
    """
    if not _is_number(value) or value != value:
        raise ValueError(f'{name} must be a number, but is {value!r}')


def check_reach(reach: int, what: str) -> None:
    """Raise if an op looks further than any map is wide.

    Args:
        reach: Cells from the center to the furthest one.
        what: The arguments that say so, for the message.

    Raises:
        ValueError: If it does.
    """
    if reach > _LARGEST_REACH:
        raise ValueError(f'{what} looks further than {_LARGEST_REACH} cells: lower it')


def check_segments(num_frames: int, num_segments: int) -> None:
    """Raise unless a batch of frames can be cut into clips.

    Args:
        num_frames: N*T, frames in the batch.
        num_segments: T, frames in a clip.

    Raises:
        ValueError: If T < 1, or N*T is not a multiple of T.
    """
    check_at_least(num_segments, 1, name='num_segments')
    if num_frames % num_segments:
        raise ValueError(
            f'x holds {num_frames} frames, which is not a multiple of num_segments={num_segments}. The sampler must '
            "give every clip num_segments frames: in SampleFrames of the config's pipelines set num_clips=num_segments"
        )


def _is_whole(value: Any) -> bool:
    # a size may be a symbol while a model is traced, which is no int
    return not isinstance(value, bool) and (isinstance(value, int) or hasattr(value, '__index__'))


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, (int, float)) or hasattr(value, '__float__'))
