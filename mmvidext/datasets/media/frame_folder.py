"""A folder of pictures in the place of a video file."""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmvidext.datasets.media.files import PICTURE_SUFFIXES, BadFileError, check_one_size, visible
from mmvidext.datasets.media.images import read_rgb
from mmvidext.datasets.media.video_file import VideoFile
from mmvidext.datasets.natural_order import natural_key, numbering_gap, repeated_number

__all__ = ['PICTURE_SUFFIXES', 'FrameFolder', 'list_pictures', 'open_video']


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder that are not hidden, in natural order: 2 before 10."""
    found = [path for path in visible(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES]
    return sorted(found, key=lambda path: natural_key(path.name))


class FrameFolder:
    """The frames of a video as pictures of a folder, in natural order; reads like a ``VideoFile``.

    Args:
        path: The folder.

    Attributes:
        num_frames: How many pictures there are.
        frame_rate: 0: a folder does not tell.
        frame_size: Width and height of the first picture, known after :meth:`check`.

    Raises:
        BadFileError: If there is no picture in it, or two of them have the same number, such as ``1.jpg`` and
            ``01.jpg``. Missing numbers are logged as a warning.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._pictures = list_pictures(Path(path))
        if not self._pictures:
            raise BadFileError(f'{path} holds no picture ({", ".join(PICTURE_SUFFIXES)})')
        stems = [picture.stem for picture in self._pictures]
        if pair := repeated_number(stems):
            raise BadFileError(f'{path}: the pictures {pair[0]} and {pair[1]} have the same number; remove one')
        if pair := numbering_gap(stems):
            _warn_once(f'{path}: pictures are missing between {pair[0]} and {pair[1]}; the others are read')
        self.num_frames = len(self._pictures)
        self.frame_rate = 0.0
        self.frame_size = (0, 0)

    def frames(self, numbers: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Read frames by their numbers, from 0 on: RGB ``uint8 (H, W, 3)`` for each.

        Raises:
            IndexError: If a number is not in ``[0, num_frames)``.
            BadFileError: If a picture cannot be read, or they differ in size.
        """
        if not all(0 <= number < self.num_frames for number in numbers):
            raise IndexError(f'{self.path} has {self.num_frames} frames, but {list(numbers)} are asked for')
        try:
            read = {int(number): read_rgb(str(self._pictures[number])) for number in set(numbers)}
        except (OSError, ValueError) as error:
            raise BadFileError(str(error)) from error
        check_one_size(self.path, {str(self._pictures[number]): read[number].shape[1::-1] for number in sorted(read)})
        return [read[int(number)] for number in numbers]

    def check(self) -> None:
        """Read every picture.

        Raises:
            BadFileError: If one cannot be read, or differs from the first in size.
        """
        for number, picture in enumerate(self._pictures):
            height, width = self.frames([number])[0].shape[:2]
            if number and (width, height) != self.frame_size:
                first = f'{self.frame_size[0]}x{self.frame_size[1]}'
                raise BadFileError(f'{picture} is {width}x{height}, but the first frame of its folder is {first}')
            self.frame_size = (width, height)


@cache
def _warn_once(text: str) -> None:
    """Log a warning, once a process: a folder is opened anew for every sample."""
    print_log(text, logger='current', level=logging.WARNING)


def open_video(path: str) -> VideoFile | FrameFolder:
    """Open a video file, local or at an address, or a folder of pictures.

    Raises:
        BadFileError: If it cannot be read.
    """
    return FrameFolder(path) if Path(path).is_dir() else VideoFile(path)
