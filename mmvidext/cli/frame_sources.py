"""Where the frames of ``mmvidext stream`` come from: a video, a folder of pictures, or a camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.apis.video_files import VideoReader

__all__ = ['Frame', 'Source', 'check_output', 'open_source']

Frame = NDArray[np.uint8]
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.webp')


class Source(NamedTuple):
    """Frames, RGB ``(H, W, 3)``, how many there are (0 if unknown), and how many per second."""

    frames: Iterator[Frame]
    num_frames: int
    frame_rate: float


def open_source(source: str, out: Path | None = None) -> Source:
    """Open a video, a folder whose pictures are taken in the order of their names, or the camera of a number.

    Args:
        source: A path, or the number of a camera.
        out: The video that is written meanwhile, for the error of a source that is truncated.

    Raises:
        ValueError: If the source cannot be read; while reading, if a frame cannot, or has another size.
        FileNotFoundError: If there is none.
    """
    if Path(source).is_dir():
        return _open_folder(Path(source))
    if source.isdecimal():
        return _open_camera(int(source))
    if not Path(source).is_file():
        raise FileNotFoundError(f'there is no video, folder or camera {source}')
    reader = VideoReader(source, written_to=out)
    return Source(iter(reader), max(reader.num_declared, 0), reader.frame_rate)


def _open_folder(folder: Path) -> Source:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        raise ValueError(f'{folder} holds no picture ({", ".join(PICTURES)})')
    return Source(_read_pictures(paths), len(paths), 12.0)


def _read_pictures(paths: list[Path]) -> Iterator[Frame]:
    size: tuple[int, ...] = ()
    for number, path in enumerate(paths, start=1):
        picture = cv2.imread(str(path))
        if picture is None:
            raise ValueError(f'{path} cannot be read as a picture')
        size = size or picture.shape[:2]
        if picture.shape[:2] != size:
            raise ValueError(
                f'picture {number}, {path}, is {picture.shape[:2]} (height, width), but those before it are {size}: a '
                'stream has one size'
            )
        yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _open_camera(number: int) -> Source:
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise ValueError(f'camera {number} cannot be opened')

    def frames() -> Iterator[Frame]:
        while True:
            read, picture = capture.read()
            if not read:
                capture.release()
                return
            yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    return Source(frames(), 0, capture.get(cv2.CAP_PROP_FPS) or 25.0)


def check_output(out: Path, source: Path) -> None:
    """Refuse to write over what is read.

    Raises:
        ValueError: If ``out`` is the source, or one of its pictures, under whatever name.
    """
    for path in source.iterdir() if source.is_dir() else [source]:
        if out.exists() and path.exists() and out.samefile(path):
            raise ValueError(f'--out {out} would overwrite {path}, which is read: name another file')
