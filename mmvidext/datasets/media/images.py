"""Read a picture, with errors that name its file."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.media.files import read_bytes

__all__ = ['read_image', 'read_rgb']


def read_image(path: str, flags: int = cv2.IMREAD_COLOR) -> NDArray[Any]:
    """Read a picture, local or at an address that mmengine's file backends know.

    Args:
        path: The file.
        flags: OpenCV's ``IMREAD_*``.

    Returns:
        ``(H, W, 3)`` in the order BGR, or what the flags ask for.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no regular file or no picture, is damaged, or has more pixels than OpenCV reads; if 8 bits
            are asked for, but it has more: nothing says how many of them its camera uses, so its scale is not known.
    """
    data = np.frombuffer(read_bytes(path), np.uint8)
    wants_8_bits = flags in (cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE)
    try:
        image = cv2.imdecode(data, flags | cv2.IMREAD_ANYDEPTH * wants_8_bits) if data.size else None
    except cv2.error as error:
        raise ValueError(f'{path} cannot be decoded: {error}') from error
    if image is None:
        raise ValueError(f'{path} is no picture, or is damaged')
    if wants_8_bits and image.dtype != np.uint8:
        raise ValueError(
            f'{path} has values of {image.dtype} (up to {image.max()}), but 8 bits are read: convert it, for example '
            'with (image // 16).astype("uint8") if its camera has 12 bits'
        )
    return image


def read_rgb(path: str) -> NDArray[np.uint8]:
    """Read a picture as RGB ``uint8 (H, W, 3)``, see :func:`read_image`."""
    return np.ascontiguousarray(read_image(path)[..., ::-1], np.uint8)
