"""Read label maps: pictures of one channel of 8 bits, with the number of a class for each pixel."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.images import check_picture_size

__all__ = ['read_label_map']

_DECODE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # Pillow's, on damaged files
# without EPS, for which Pillow runs Ghostscript
_FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')


def read_label_map(path: str, frame: str = '', frame_size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Read the values of a label file as it stores them: of a palette the indices, of one bit 0 and 1.

    Other readers cut 16 bits down to 8, take colors for more pixels, and spread gray of 2 or 4 bits over 0 to 255.

    Args:
        path: The file, local or at an address.
        frame: Its frame, for the message.
        frame_size: Height and width of the frame; None does not compare.

    Returns:
        ``uint8 (H, W)``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a picture of one channel of 8 bits or fewer (gray or palette), is a JPEG or damaged, or
            has another size than its frame.
    """
    try:
        content = read_bytes(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f'label file {error}') from error
    check_picture_size(f'label file {path}', io.BytesIO(content))
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except _DECODE_ERRORS as error:
        raise ValueError(f'label file {path} is not a picture, or is damaged: {error}') from error
    with image:
        _check_header(image, path, frame, frame_size)
        if not image.tile:
            raise ValueError(f'label file {path} cannot be decoded: it has a header, and no picture')
        greatest = _greatest(image)
        try:
            values = np.asarray(image).astype(np.uint8)
        except _DECODE_ERRORS as error:
            raise ValueError(f'label file {path} cannot be decoded: {error}') from error
    return values if greatest == 255 else np.rint(values * (greatest / 255)).astype(np.uint8)


def _check_header(image: ImageFile.ImageFile, path: str, frame: str, frame_size: tuple[int, int] | None) -> None:
    if image.mode not in ('1', 'L', 'P'):
        raise ValueError(
            f'label file {path} has pixels of mode {image.mode!r} (Pillow), but a label map has one channel of 8 bits '
            'with the number of the class: convert colors or 16-bit ids to class numbers'
        )
    if image.format in ('JPEG', 'MPO'):
        raise ValueError(
            f'label file {path} is a JPEG, which changes the values along the borders of the classes: make the labels '
            'anew, as PNG'
        )
    size = image.size[::-1]
    if frame_size is not None and size != tuple(frame_size):
        raise ValueError(
            f'label file {path} is {size} (height, width), but its frame is {tuple(frame_size)}: a label map must have '
            f'the size of its frame {frame}'.rstrip()
        )


def _greatest(image: ImageFile.ImageFile) -> int:
    """Return the value of gray that Pillow makes 255 of: of 2 and 4 bits, and of a PGM, which names its own."""
    decoder, _, _, arguments = image.tile[0]
    layout, *others = arguments if isinstance(arguments, tuple) else (arguments,)
    if decoder in ('ppm', 'ppm_plain') and others:
        return int(others[0])
    return {'L;2': 3, 'L;4': 15}.get(str(layout)[:3], 255)
