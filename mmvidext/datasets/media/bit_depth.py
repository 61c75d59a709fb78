"""Pictures of more than 8 bits, found by their header before a loader of another package cuts them down."""

from pathlib import Path

from PIL import Image

from mmvidext.datasets.media.files import BadFileError, is_local

__all__ = ['check_8_bits']

_MAY_HAVE_16_BITS = ('.png', '.ppm', '.tif', '.tiff')


def check_8_bits(path: str) -> None:
    """Look at the header of a local picture: mmcv's loaders keep the upper 8 of 16 bits, so 12 bits become 0 to 15.

    What cannot be opened passes: decoding it will say why.

    Raises:
        BadFileError: If it has more than 8 bits a channel.
    """
    if Path(path).suffix.lower() not in _MAY_HAVE_16_BITS or not is_local(path):
        return
    try:
        with Image.open(path) as image:
            # of 16 bits in color, Pillow names only the layout in the file, 'RGB;16B', or the greatest value of a PPM
            greatest = [tile[3][1] for tile in image.tile if tile[0] == 'ppm' and isinstance(tile[3], tuple)]
            is_wide = image.mode[0] in 'IF' or any(';16' in str(tile[3]) for tile in image.tile)
            is_wide = is_wide or max(greatest, default=0) > 255
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return
    if is_wide:
        raise BadFileError(
            f'{path} has more than 8 bits a channel, but 8 are read: convert it, for example with '
            '(image // 16).astype("uint8") if its camera has 12 bits'
        )
