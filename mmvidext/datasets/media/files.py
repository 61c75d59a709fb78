"""Local files, looked at before anything opens them: opening a FIFO, socket or device may never return."""

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import mmengine.fileio as fileio

__all__ = [
    'PICTURE_SUFFIXES',
    'VIDEO_SUFFIXES',
    'BadFileError',
    'check_one_size',
    'file_problem',
    'is_local',
    'left_out',
    'read_bytes',
    'visible',
]

# containers that cameras, phones, television and published data sets use, and raw streams; PyAV reads each
VIDEO_SUFFIXES = (
    '.3g2',
    '.3gp',
    '.asf',
    '.avi',
    '.divx',
    '.dv',
    '.f4v',
    '.flv',
    '.gif',
    '.h264',
    '.hevc',
    '.ivf',
    '.m1v',
    '.m2t',
    '.m2ts',
    '.m2v',
    '.m4v',
    '.mjpeg',
    '.mjpg',
    '.mkv',
    '.mov',
    '.mp4',
    '.mpe',
    '.mpeg',
    '.mpg',
    '.mts',
    '.mxf',
    '.nut',
    '.ogm',
    '.ogv',
    '.rm',
    '.rmvb',
    '.ts',
    '.vob',
    '.webm',
    '.wmv',
    '.y4m',
)
PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp')
# what describes the videos of a data set, and lies beside them
_DESCRIPTIONS = (
    *('.csv', '.htm', '.html', '.json', '.jsonl', '.log', '.md', '.pdf', '.rst', '.srt', '.tsv', '.txt', '.vtt'),
    *('.mat', '.npy', '.npz', '.pickle', '.pkl', '.py', '.sh', '.xls', '.xlsx', '.xml', '.yaml', '.yml'),
)
_FEW = 3  # names in a message


class BadFileError(ValueError):
    """A video, picture, label or flow file cannot be read; the message names it."""


def left_out(folder: Path) -> str | None:
    """Return a note on the files below a folder that are not taken for videos, None if there are none.

    Hidden files, pictures, texts and annotations need no note.
    """
    expected = (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES, *_DESCRIPTIONS)
    found = (path for path in folder.rglob('*') if path.suffix.lower() not in expected and path.is_file())
    inside = (path.relative_to(folder) for path in found)
    names = sorted(str(path) for path in inside if visible([path, *path.parents][:-1]) == [path, *path.parents][:-1])
    if not names:
        return None
    return (
        f'{len(names)} left out, with suffixes that no video has: {", ".join(names[:_FEW])}'
        f'{", ..." if len(names) > _FEW else ""}; rename what is a video, for example to .mp4 or .mkv'
    )


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
