"""Where frames come from: a video, a folder of pictures, a pattern of names, a camera, or a network address."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from glob import escape, glob
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmvidext.apis.live_sources import open_camera, open_url
from mmvidext.apis.video_files import VideoReader
from mmvidext.datasets.media.frame_folder import PICTURE_SUFFIXES, list_pictures
from mmvidext.datasets.media.images import read_rgb
from mmvidext.datasets.natural_order import natural_key, numbering_gap, repeated_number

__all__ = ['Frame', 'Source', 'check_frame', 'open_source']

Frame = NDArray[np.uint8]
PICTURES_RATE = 12.0
_NUMBER = re.compile(r'%0?\d*d')


class Source(NamedTuple):
    """Frames to go through.

    Attributes:
        frames: RGB, ``uint8 (H, W, 3)``. A source may change the size of its frames, and use one array for all of them.
        num_frames: How many there are, 0 if that is not known.
        frame_rate: Frames per second.
        files: The local files that are read, which no output may be.
    """

    frames: Iterator[Frame]
    num_frames: int
    frame_rate: float
    files: tuple[Path, ...] = ()


def check_frame(frame: Any, *, name: str = 'frame') -> None:
    """Check that a frame is RGB, ``uint8 (H, W, 3)``, with pixels.

    Raises:
        ValueError: If it is not; the message begins with ``name``.
    """
    if not isinstance(frame, np.ndarray):
        raise ValueError(f'{name} must be an RGB uint8 array (H, W, 3), but got {frame!r:.80}')
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        raise ValueError(f'{name} must be an RGB uint8 array (H, W, 3), but got {frame.dtype} {frame.shape}')


def open_source(
    source: str | Path, *, timeout: float = 10.0, reconnects: int = 5, wait: Callable[[float], object] = time.sleep
) -> Source:
    """Open a source of frames.

    Args:
        source: A video of any container that PyAV reads; a folder of pictures; a pattern of names with ``%d`` (or
            ``%06d``), ``*`` or ``?``; the number of a camera, or ``/dev/video0``; an address such as ``rtsp://...`` or
            ``http://...``. Pictures come in natural order: 2 before 10; a gap in their numbers is logged. A live stream
            that sends a frame of more than 2^26 pixels has failed, and is connected to anew.
        timeout: Seconds that an address may stay silent.
        reconnects: How often in a row to reconnect to an address or a camera that fails, with growing pauses.
        wait: Called with the seconds of such a pause; a true result ends the stream.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If the source cannot be read, or two pictures have one number; while reading, if a frame cannot.
        OSError: If an address or a camera does not answer, at once or after all attempts to reconnect.
    """
    text, path = str(source), Path(source)
    if (match := re.fullmatch(r'(?:/dev/video)?(\d+)', text)) and not path.is_dir():
        return Source(*open_camera(int(match[1]), reconnects=reconnects, wait=wait))
    if '://' in text:
        return Source(*open_url(text, timeout=timeout, reconnects=reconnects, wait=wait))
    if path.is_dir():
        return _open_pictures(list_pictures(path), f'{path} holds no picture ({", ".join(PICTURE_SUFFIXES)})')
    if not path.exists() and (_NUMBER.search(text) or any(letter in text for letter in '*?[')):
        return _open_pictures(_matches(text), f'no file matches {text}')
    if not path.exists():
        raise FileNotFoundError(f'there is no video, folder, camera or address {text}')
    reader = VideoReader(path)
    return Source(iter(reader), reader.num_frames, reader.frame_rate, (path,))


def _matches(pattern: str) -> list[Path]:
    """Return the files of a pattern, either in the manner of printf or in that of a shell."""
    if not (match := _NUMBER.search(pattern)):
        return [Path(name) for name in glob(pattern)]
    before, after = pattern[: match.start()], pattern[match.end() :]
    numbered = re.compile(re.escape(before) + r'\d+' + re.escape(after))
    return [Path(name) for name in glob(f'{escape(before)}*{escape(after)}') if numbered.fullmatch(name)]


def _open_pictures(paths: Sequence[Path], if_none: str) -> Source:
    if not paths:
        raise ValueError(if_none)
    ordered = sorted(paths, key=lambda path: natural_key(path.name))
    stems = [path.stem for path in ordered]
    if pair := repeated_number(stems):
        raise ValueError(
            f'{ordered[0].parent}: the pictures {pair[0]} and {pair[1]} have one number, so their order is not known; '
            "name those that are meant by a pattern, such as '*.png'"
        )
    if pair := numbering_gap(stems):
        text = f'{ordered[0].parent}: pictures are missing between {pair[0]} and {pair[1]}; the others are read'
        print_log(text, logger='current', level=logging.WARNING)
    return Source((read_rgb(str(path)) for path in ordered), len(ordered), PICTURES_RATE, tuple(ordered))
