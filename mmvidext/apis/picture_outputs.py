"""Where pictures go: a video file, or a folder of PNG files; and what no output may be."""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

from mmvidext.apis.video_files import VIDEO_SUFFIXES, VideoWriter
from mmvidext.datasets.media.images import write_picture

__all__ = ['PictureFolder', 'PictureWriter', 'check_outputs', 'open_pictures']


class PictureWriter(Protocol):
    """What pictures are written to, one after the other; it is closed at the end of a ``with`` block."""

    num_written: int

    def __enter__(self) -> 'PictureWriter': ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, picture: NDArray[Any], /) -> None:
        """Write the next picture, RGB ``uint8 (H, W, 3)``."""


def open_pictures(path: Path, frame_rate: float) -> PictureWriter:
    """Return what writes pictures to a video, or, if the path has no suffix, to a folder.

    Args:
        path: A file with a suffix of :data:`~mmvidext.apis.video_files.VIDEO_SUFFIXES`, or a folder.
        frame_rate: Frames per second of the video.

    Raises:
        ValueError: If the suffix is another one.
    """
    if not path.suffix or path.is_dir():
        return PictureFolder(path)
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise ValueError(
            f'{path} must be a video ({", ".join(VIDEO_SUFFIXES)}), or have no suffix: a folder of PNG files'
        )
    return VideoWriter(path, frame_rate)


class PictureFolder:
    """Writes pictures to ``000001.png``, ``000002.png``, ... of a folder, each complete or not there.

    Args:
        folder: The folder, without suffix; it is created.

    Attributes:
        num_written: How many pictures were written.

    Raises:
        ValueError: If the path has the suffix of a file.
    """

    def __init__(self, folder: Path) -> None:
        if folder.suffix and not folder.is_dir():
            raise ValueError(f'{folder} must be a folder, without suffix')
        self.folder = folder
        self.num_written = 0

    def __enter__(self) -> 'PictureFolder':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: every picture is complete."""

    def write(self, picture: NDArray[Any]) -> None:
        """Write the next picture, see :func:`~mmvidext.datasets.media.images.write_picture`."""
        write_picture(self.folder / f'{self.num_written + 1:06d}.png', picture)
        self.num_written += 1


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Refuse outputs that would overwrite an input, or each other, or that cannot be written; create their folders.

    Args:
        outputs: Files, or folders: paths without suffix. None is left out.
        inputs: Files that are read.

    Raises:
        ValueError: If an output is an input or another output, under whatever name: a link, a hard link, another
            path; if it is not a regular file; if a folder of pictures holds something already.
        OSError: If a folder cannot be created or written.
    """
    wanted, read = [path for path in outputs if path is not None], list(inputs)
    for number, path in enumerate(wanted):
        for other in read:
            if _is_same(path, other) or _is_same(path, other.parent):
                raise ValueError(f'{path} would overwrite {other}, which is read: name another output')
        if any(_is_same(path, other) for other in wanted[:number]):
            raise ValueError(f'{path} is named for two outputs: name another one')
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ValueError(f'{path} is not a regular file: name another output')
        if path.is_dir() and next(path.iterdir(), None) is not None:
            raise ValueError(f'the folder {path} is not empty: name a new one')
    for path in wanted:
        _prepare_folder(path if path.is_dir() or not path.suffix else path.parent, path)


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _prepare_folder(folder: Path, output: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f'{output} cannot be written: the folder {folder} cannot be created: {error.strerror}') from error
    if not os.access(folder, os.W_OK) or (output.is_file() and not os.access(output, os.W_OK)):
        raise PermissionError(f'{output} cannot be written: permission denied')
