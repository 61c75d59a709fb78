"""Argument checks shared by the ops and the layers around them."""

from torch import Tensor

__all__ = [
    'check_at_least',
    'check_between',
    'check_no_nan',
    'check_positive',
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
    if isinstance(value, float) or value < least:
        raise ValueError(f'{name} must be a whole number, at least {least}, but is {value}')


def check_positive(value: float, *, name: str, hint: str = '') -> None:
    """Raise unless ``value`` is a finite number above zero.

    Args:
        value: The argument to check.
        name: Its name, for the message.
        hint: What else is allowed, for the message.

    Raises:
        ValueError: If it is not; also for NaN.
    """
    if not 0 < value < float('inf'):
        raise ValueError(f'{name} must be a positive, finite number{hint}, but is {value}')


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
    if not least <= value <= most:
        raise ValueError(f'{name} must be between {least:g} and {most:g}{hint}, but is {value}')


def check_no_nan(value: float, *, name: str) -> None:
    """Raise if a number, which may be infinite, is NaN: nothing compares with it.

    Raises:
        ValueError: If it is.
    """
    if value != value:
        raise ValueError(f'{name} must be a number, but is nan')


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
    if num_segments < 1:
        raise ValueError(f'num_segments must be at least 1, but is {num_segments}')
    if num_frames % num_segments:
        raise ValueError(
            f'x holds {num_frames} frames, which is not a multiple of num_segments={num_segments}. The sampler must '
            "give every clip num_segments frames: in SampleFrames of the config's pipelines set num_clips=num_segments"
        )
