"""The lists of ImageNet DET and VID: one image, frame or video a line."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mmvidext.datasets.annotation_lines import read_lines

__all__ = ['ListedFrames', 'read_frame_list', 'read_image_list', 'read_video_list']

HINT = 'The lists lie in the ImageSets folder of msracver/Deep-Feature-Flow'

_NUMBER = re.compile(r'[0-9]{1,9}')
_MOST_FRAMES = 10**6


class ListedFrames(NamedTuple):
    """One line of a list.

    Attributes:
        where: ``file:line``, for messages.
        path: The image without suffix, or the folder of the video, below ``Data/DET`` or ``Data/VID``.
        frames: The numbers of the listed frames, from 0; of an image 0.
        num_frames: Of the whole video; of an image 1.
        first_number: Number of the first listed frame among all frames of the list, from 1: the authors' motion file is
            in this order.
    """

    where: str
    path: str
    frames: range
    num_frames: int
    first_number: int


def read_image_list(path: str) -> list[ListedFrames]:
    """Read a list of still images, such as ``DET_train_30classes.txt``: ``path 1``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not of this form.
    """
    lines = _read(path, ('path', 'number'))
    return [ListedFrames(where, name, range(1), 1, index) for index, (where, name, _) in enumerate(lines, start=1)]


def read_frame_list(path: str) -> list[ListedFrames]:
    """Read a list of frames, such as ``VID_train_15frames.txt``: ``video 1 frame length``, frames from 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not of this form, or its frame is not below its length.
    """
    found = []
    lines = _read(path, ('video', 'number', 'frame', 'length'))
    for number, (where, video, (_, frame, length)) in enumerate(lines, start=1):
        if frame >= length:
            raise ValueError(f'{where}: the video has {length} frames, counted from 0, but the frame is {frame}')
        found.append(ListedFrames(where, video, range(frame, frame + 1), length, number))
    return found


def read_video_list(path: str) -> list[ListedFrames]:
    """Read a list of whole videos, such as ``VID_val_videos.txt``: ``video number 0 length``.

    ``number`` is that of the first frame among the frames of all videos, from 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not of this form, a video does not begin with frame 0 or has more than a million
            frames, or the numbers do not go on from one video to the next.
    """
    found: list[ListedFrames] = []
    expected = 1
    for where, video, (number, frame, length) in _read(path, ('video', 'number', 'frame', 'length')):
        if frame != 0 or length < 1:
            raise ValueError(
                f'{where}: a video is listed by its first frame, 0, and its length, but by {frame} {length}'
            )
        if length > _MOST_FRAMES:  # each becomes a sample in memory
            raise ValueError(
                f'{where}: a video has at most {_MOST_FRAMES} frames, whose files are named by six digits, but '
                f'{length} are written'
            )
        if number != expected:
            raise ValueError(f'{where}: its first frame is number {expected} of the list, but {number} is written')
        found.append(ListedFrames(where, video, range(length), length, number))
        expected += length
    return found


def _read(path: str, fields: Sequence[str]) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return ``file:line``, the path and the numbers of each line."""
    found = []
    for where, line in read_lines(path, hint=HINT):
        name, *numbers = line.split()
        if len(numbers) != len(fields) - 1 or not all(_NUMBER.fullmatch(number) for number in numbers):
            layout = ' '.join(f'<{field}>' for field in fields)
            raise ValueError(f'{where}: expected {layout!r}, all but the first whole numbers, but got {line!r}')
        if name.startswith('/') or '..' in name.split('/'):
            raise ValueError(f'{where}: {name} leads out of the data folder')
        found.append((where, name, tuple(map(int, numbers))))
    return found
