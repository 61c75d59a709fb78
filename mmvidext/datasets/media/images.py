"""Read and write a picture, with errors that name its file."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.atomic_write import atomic_path
from mmvidext.datasets.media.files import read_bytes

__all__ = ['read_image', 'read_rgb', 'write_picture']


def read_image(path: str, flags: int = cv2.IMREAD_COLOR) -> NDArray[Any]:
    """Read a picture, local or at an address that mmengine's file backends know.

    Args:
        path: The file.
        flags: OpenCV's ``IMREAD_*``.

    Returns:
        ``(H, W, 3)`` in the order BGR, or what the flags ask for.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a regular file or not a picture, is damaged, or has more pixels than OpenCV reads.
    """
    data = np.frombuffer(read_bytes(path), np.uint8)
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise ValueError(f'{path} cannot be decoded: {error}') from error
    if image is None:
        raise ValueError(f'{path} is not a picture, or is damaged')
    return image


def read_rgb(path: str) -> NDArray[np.uint8]:
    """Read a picture as RGB ``uint8 (H, W, 3)``, see :func:`read_image`."""
    return np.ascontiguousarray(read_image(path)[..., ::-1], np.uint8)


def write_picture(path: Path, picture: NDArray[Any]) -> None:
    """Write a picture: RGB ``uint8 (H, W, 3)``, or labels ``(H, W)`` of an integer type, as 8 or 16 bits.

    Args:
        path: The file, complete or not there; its suffix is that of a format of OpenCV. Missing folders are created.
        picture: What to write.

    Raises:
        ValueError: If the suffix is not that of a picture, or a label does not fit 16 bits.
        OSError: If the file cannot be written.
    """
    if picture.ndim == 3:
        picture = picture[..., ::-1]
    elif picture.dtype != np.uint8:
        if picture.size and not 0 <= picture.min() <= picture.max() < 2**16:
            raise ValueError(f'{path}: labels must be from 0 to 65535, but are from {picture.min()} to {picture.max()}')
        picture = picture.astype(np.uint16)
    try:
        success, data = cv2.imencode(path.suffix or '.png', picture)
    except cv2.error as error:
        raise ValueError(f'{path} cannot be written: its suffix is not that of a picture') from error
    if not success:
        raise ValueError(f'{path} cannot be written in its format')
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(data.tobytes())
    except OSError as error:
        raise OSError(f'{path} cannot be written: {error.strerror}') from error
