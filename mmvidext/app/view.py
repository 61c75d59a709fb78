"""What a model gives to the page for one video."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.printable import printable

__all__ = ['View', 'counted', 'counted_frames', 'is_of_type', 'table_cell']

_PUNCTUATION = re.compile(r'[!-/:-@\[-`{-~]')


class View(NamedTuple):
    """What is shown.

    Attributes:
        summary: Markdown.
        video: The video that was drawn.
        pictures: RGB ``uint8``, one for each title of the task; None where there is nothing to show.
    """

    summary: str
    video: Path
    pictures: tuple[NDArray[np.uint8] | None, ...] = ()


def counted(number: int, one: str, more: str = '') -> str:
    """Return a number of things, of which one is called so, and several with an ``s`` where nothing else is given."""
    return f'{number} {one if number == 1 else more or one + "s"}'


def counted_frames(num_frames: int, num_key_frames: int) -> str:
    """Return how many frames a video has, and how many of them are key frames."""
    key_frames = 'a key frame' if num_key_frames == 1 else 'key frames'
    return f'{counted(num_frames, "frame")}, {num_key_frames} of them {key_frames}'


def is_of_type(model: dict[str, object], name: str) -> bool:
    """Whether a config names a class, with or without its scope."""
    return str(model.get('type')).rpartition('.')[2] == name


def table_cell(text: str) -> str:
    """Return a text as the cell of a table in Markdown, in which nothing of it is a tag, a link or a picture."""
    return _PUNCTUATION.sub(r'\\\g<0>', printable(text))
