"""Read label maps: pictures of one channel of 8 bits, with the number of a class for each pixel."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.images import check_picture_size

__all__ = ['DECODE_ERRORS', 'check_label_file', 'read_label_map']

DECODE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # Pillow's, on damaged files
# without EPS, for which Pillow runs Ghostscript
_FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')


def check_label_file(path: str, frame: str = '', frame_size: tuple[int, int] | None = None) -> bytes:
    """Look at the header of a label file: mmseg would cut 16 bits down to 8, and take colors for more pixels.

    Args:
        path: The file, local or at an address.
        frame: Its frame, for the message.
        frame_size: Height and width of the frame; None does not compare.

    Returns:
        The bytes of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a picture of one channel of 8 bits or fewer (gray or palette), is a JPEG, or has
            another size than its frame.
    """
    try:
        content = read_bytes(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f'label file {error}') from error
    check_picture_size(f'label file {path}', io.BytesIO(content))
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            mode, size, is_jpeg = image.mode, image.size[::-1], image.format in ('JPEG', 'MPO')
    except DECODE_ERRORS as error:
        raise ValueError(f'label file {path} is not a picture, or is damaged: {error}') from error
    if mode not in ('1', 'L', 'P'):
        raise ValueError(
            f'label file {path} has pixels of mode {mode!r} (Pillow), but a label map has one channel of 8 bits with '
            'the number of the class: convert colors or 16-bit ids to class numbers'
        )
    if is_jpeg:
        raise ValueError(
            f'label file {path} is a JPEG, which changes the values along the borders of the classes: make the labels '
            'anew, as PNG'
        )
    if frame_size is not None and size != tuple(frame_size):
        raise ValueError(
            f'label file {path} is {size} (height, width), but its frame is {tuple(frame_size)}: a label map must have '
            f'the size of its frame {frame}'.rstrip()
        )
    return content


def read_label_map(path: str, frame: str = '', frame_size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Read a label file ``uint8 (H, W)`` as training does: of a palette the indices, of one bit 0 and 1.

    Args and errors are those of :func:`check_label_file`; a damaged picture is a ``ValueError``, too.
    """
    content = check_label_file(path, frame, frame_size)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return np.asarray(image).astype(np.uint8)
    except DECODE_ERRORS as error:
        raise ValueError(f'label file {path} cannot be decoded: {error}') from error
