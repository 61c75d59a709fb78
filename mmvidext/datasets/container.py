"""Whether a video file is all there, seen from its outermost structure without decoding anything.

FFmpeg reads a WebM file that breaks off without complaint, as a shorter video. But WebM and MP4 files state their
length.
"""

from pathlib import Path
from typing import BinaryIO

__all__ = ['announced_size', 'file_problem']

_EBML = b'\x1a\x45\xdf\xa3'
_SEGMENT = b'\x18\x53\x80\x67'
_MP4_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide')


def file_problem(path: Path) -> str | None:
    """Return why a local file cannot be a whole video, or None if nothing speaks against it.

    Args:
        path: The file.
    """
    if not path.exists():
        return 'does not exist'
    if not path.is_file():
        return 'is not a file'
    size = path.stat().st_size
    if size == 0:
        return 'is empty'
    expected = announced_size(path)
    if expected is not None and size < expected:
        return f'is truncated: it has {size} bytes of {expected}'
    return None


def announced_size(path: Path) -> int | None:
    """Return how many bytes long a WebM, Matroska or MP4 file says it is; None if it is another, or does not say."""
    with path.open('rb') as file:
        start = file.read(8)
        if start[:4] == _EBML:
            return _matroska_size(file)
        if start[4:] in _MP4_BOXES:
            return _mp4_size(file, path.stat().st_size)
    return None


def _element_size(file: BinaryIO) -> int | None:
    """Read an EBML size: the first byte's leading zeros say how many bytes follow; all ones mean unknown."""
    first = file.read(1)
    if not first or first == b'\x00':
        return None
    length = 9 - first[0].bit_length()
    bits = 7 * length
    value = int.from_bytes(first + file.read(length - 1), 'big') & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value


def _matroska_size(file: BinaryIO) -> int | None:
    """A Matroska file is an EBML header and, after it, one segment."""
    file.seek(len(_EBML))
    header = _element_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return None
    segment = _element_size(file)
    return None if segment is None else file.tell() + segment


def _mp4_size(file: BinaryIO, file_size: int) -> int | None:
    """An MP4 file is a row of boxes, each of which begins with its size and a name of four letters."""
    position = 0
    while position < file_size:
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4], 'big')
        if size == 1:  # the size stands behind the name, in 8 bytes
            size = int.from_bytes(head[8:16], 'big')
        if size < 8:  # 0: the box reaches to the end of the file; else no MP4
            return None
        position += size
    return position
