"""Writing clips as VP9 video."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.atomic_write import atomic_path

__all__ = ['write_webm']


@contextmanager
def _silence() -> Iterator[None]:
    """Keep OpenCV's C code from printing, on every file, that it must choose the codec's tag itself."""
    keep, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(nowhere)


def write_webm(path: Path, frames: Iterable[NDArray[np.uint8]], *, size: tuple[int, int], fps: float) -> None:
    """Write frames as a VP9 video in a WebM file, in one step.

    Args:
        path: The file, ending in ``.webm``.
        frames: ``(H, W, 3)`` RGB, uint8.
        size: ``(width, height)`` in pixels.
        fps: Frames per second.

    Raises:
        RuntimeError: If this OpenCV cannot write VP9.
        ValueError: If a frame has another size.
    """
    width, height = size
    with atomic_path(path) as temporary:
        with _silence():
            writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*'VP90'), fps, size)
        if not writer.isOpened():
            raise RuntimeError(
                f'OpenCV {cv2.__version__} cannot write VP9 to {path}. Import cv2 before decord, else it finds '
                "decord's FFmpeg; if that is so, install opencv-python-headless from PyPI, which can"
            )
        try:
            for frame in frames:
                if frame.shape != (height, width, 3):
                    raise ValueError(f'frames must be {(height, width, 3)} (H, W, 3), but one is {frame.shape}')
                writer.write(frame[..., ::-1])
        finally:
            writer.release()
