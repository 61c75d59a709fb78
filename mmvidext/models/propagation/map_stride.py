"""The stride of a feature map, from its size and that of the image."""

import math

__all__ = ['map_stride']


def map_stride(image_size: tuple[int, int], map_size: tuple[int, int]) -> tuple[float, float]:
    """Return how many pixels of the image one pixel of the map spans.

    Networks round sizes: at stride 32 an image of height 360 has a map of height 12, not 11.25. The ratio of the sizes
    is then not the stride, and flow divided by it is too long. Strides are powers of two in nearly every network, so
    the nearest one is taken if it explains both sizes; otherwise (a patch of 14 pixels, a map of a fixed size) the
    ratio.

    Args:
        image_size: Height and width.
        map_size: Height and width.

    Returns:
        The stride along the height and along the width.

    Example:
        >>> map_stride((360, 640), (12, 20))
        (32.0, 32.0)
        >>> map_stride((224, 280), (16, 20))
        (14.0, 14.0)
    """
    longer = 0 if image_size[0] >= image_size[1] else 1
    exponent = math.log2(image_size[longer] / map_size[longer])
    below, above = math.floor(exponent), math.ceil(exponent)
    for power in (below, above) if exponent - below < above - exponent else (above, below):
        stride = 2.0**power
        if all(abs(image / stride - length) < 1 for image, length in zip(image_size, map_size, strict=True)):
            return stride, stride
    return image_size[0] / map_size[0], image_size[1] / map_size[1]
