"""Read and write a picture, with errors that name its file."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmvidext.datasets.atomic_write import atomic_write_bytes
from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.limits import MOST_PIXELS

__all__ = ['check_picture_size', 'read_image', 'read_rgb', 'write_picture']


def read_image(path: str, flags: int = cv2.IMREAD_COLOR) -> NDArray[Any]:
    """Read a picture, local or at an address that mmengine's file backends know.

    Args:
        path: The file.
        flags: OpenCV's ``IMREAD_*``.

    Returns:
        ``(H, W, 3)`` in the order BGR, or what the flags ask for.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a regular file or not a picture, is damaged, or has more than 2^26 pixels; if 8 bits
            are asked for, but it has more: nothing says how many its camera uses, so its scale is not known.
    """
    content = read_bytes(path)
    check_picture_size(path, io.BytesIO(content))
    wants_8_bits = flags in (cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE)
    flags |= cv2.IMREAD_ANYDEPTH * wants_8_bits
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f'{path} cannot be decoded: {error}') from error
    if image is None:
        raise ValueError(f'{path} is not a picture, or is damaged')
    if wants_8_bits and image.dtype != np.uint8:
        raise ValueError(
            f'{path} has values of {image.dtype} (up to {image.max()}), but 8 bits are read: convert it, for example '
            'with (image // 16).astype("uint8") if its camera has 12 bits'
        )
    return image


def check_picture_size(path: str, content: BinaryIO) -> tuple[int, int]:
    """Look at the header: a few kilobytes can hold a picture that takes gigabytes.

    Args:
        path: For the message.
        content: The file, of which no more than the header is read.

    Returns:
        Width and height.

    Raises:
        ValueError: If it has more than 2^26 pixels, or Pillow does not know the file: OpenCV reads more formats, but
            tells no size before it decodes.
    """
    try:
        with Image.open(content) as image:
            size: tuple[int, int] = image.size
    except Image.DecompressionBombError:  # more than Pillow's own limit, which is above ours
        size = (MOST_PIXELS + 1, 1)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f'{path} is not a picture, or is damaged') from error
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(f'{path} has more than {MOST_PIXELS} pixels, which are not read; make it smaller')
    return size


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
    atomic_write_bytes(path, data.tobytes())
