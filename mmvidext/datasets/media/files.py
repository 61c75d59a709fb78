"""Local files, looked at before anything opens them: opening a FIFO, socket or device may never return."""

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import mmengine.fileio as fileio

__all__ = ['VIDEO_SUFFIXES', 'BadFileError', 'check_one_size', 'file_problem', 'is_local', 'read_bytes', 'visible']

# containers that cameras, phones and published data sets use
VIDEO_SUFFIXES = (
    '.3gp',
    '.avi',
    '.flv',
    '.m2ts',
    '.m4v',
    '.mkv',
    '.mov',
    '.mp4',
    '.mpeg',
    '.mpg',
    '.mts',
    '.ogv',
    '.ts',
    '.webm',
    '.wmv',
)


class BadFileError(ValueError):
    """A video, picture, label or flow file cannot be read; the message names it."""


def is_local(path: str) -> bool:
    """Whether a path names a file of this machine, rather than an address such as ``s3://...`` or ``a:s3://...``.

    What begins with a folder is no address: a list may hold ``http://...``, which is then looked for in that folder.
    """
    return re.match(r'(?:[\w.-]+:)?[\w.+-]+://', path) is None


def file_problem(path: str | Path) -> str | None:
    """Return why a local path cannot be read: ``'does not exist'``, ``'is not a regular file'``, ``'is empty'``."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError
        return 'does not exist' if isinstance(error, FileNotFoundError) else f'cannot be read: {error}'
    if not stat.S_ISREG(status.st_mode):
        return 'is not a regular file'
    return None if status.st_size else 'is empty'


def read_bytes(path: str | Path, *, most: int | None = None) -> bytes:
    """Read a file, local or at an address that mmengine's file backends know.

    Args:
        path: The file.
        most: How many bytes it may have; a larger one is refused, a local one before it is read.

    Raises:
        FileNotFoundError: If a local path does not exist.
        ValueError: If it is a directory, FIFO, socket or device, or an empty or too large file.
    """
    if is_local(str(path)) and (problem := file_problem(path)):
        raise FileNotFoundError(f'{path} {problem}') if problem == 'does not exist' else ValueError(f'{path} {problem}')
    content = b''
    size = Path(path).stat().st_size if is_local(str(path)) else 0
    if most is None or size <= most:
        content = fileio.get(str(path))
        size = len(content)
    if most is not None and size > most:
        raise ValueError(f'{path} has {size} bytes, and more than {most} are not read')
    return content


def check_one_size(path: str, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that the frames of a video have one size: a clip of several cannot be stacked, or is cropped askew.

    Args:
        path: The video, for the message.
        sizes: Width and height of each frame, by its name.

    Raises:
        BadFileError: If one differs from the first.
    """
    first = next(iter(sizes))
    for name, (width, height) in sizes.items():
        if (width, height) != sizes[first]:
            raise BadFileError(
                f'{path}: {name} is {width}x{height}, but {first} is {sizes[first][0]}x{sizes[first][1]}: the frames '
                'of a video must have one size'
            )


def visible(paths: Iterable[Path]) -> list[Path]:
    """Leave out what systems put beside the data: ``._1.jpg`` and ``__MACOSX`` of macOS, ``.ipynb_checkpoints``."""
    return [path for path in paths if not path.name.startswith('.') and path.name != '__MACOSX']
