"""Outlines of the objects: one shape per object class."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ['SHAPES', 'SHAPE_RADIUS', 'shape_alpha']

SHAPE_RADIUS = 0.46  # of the side of the mask: the rest is an empty rim, so that a warped mask never touches its border

_SHIFT = 4  # sub-pixel bits of OpenCV's polygon coordinates

Outline = NDArray[np.float64]


def _regular(corners: int, *, radius: float = 1.0, start: float = -0.25) -> Outline:
    """Corners of a regular polygon, ``(corners, 2)``, in units of the shape's radius."""
    angles = 2 * np.pi * (np.arange(corners) / corners + start)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star() -> list[Outline]:
    points = np.empty((10, 2))
    points[::2], points[1::2] = _regular(5), _regular(5, radius=0.45, start=-0.15)
    return [points]


def _rectangle(half_width: float, half_height: float) -> Outline:
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width, half_height]


def _cross() -> list[Outline]:
    thick = 0.34
    quarter = np.array([[-thick, -0.94], [thick, -0.94], [thick, -thick]])
    turn = np.array([[0, 1], [-1, 0]])  # a row vector times this is turned by 90 degrees
    return [np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])]


def _arrow() -> list[Outline]:
    return [np.array([[0, -1], [0.8, 0], [0.35, 0], [0.35, 0.9], [-0.35, 0.9], [-0.35, 0], [-0.8, 0]])]


SHAPES: dict[str, Callable[[], list[Outline]]] = {
    'disc': lambda: [_regular(48)],
    'square': lambda: [_regular(4, start=0.125)],
    'triangle': lambda: [_regular(3)],
    'star': _star,
    'cross': _cross,
    'ring': lambda: [_regular(48), _regular(48, radius=0.45)],
    'arrow': _arrow,
    'bar': lambda: [_rectangle(1.0, 0.35)],
    'pole': lambda: [_rectangle(0.04, 1.0)],
}


def shape_alpha(name: str, size: int) -> NDArray[np.float32]:
    """Return how much of each pixel a shape covers.

    Args:
        name: One of :data:`SHAPES`.
        size: Side of the square, in pixels. The shape is centered and reaches :data:`SHAPE_RADIUS` times ``size``.

    Returns:
        ``(size, size)`` values in [0, 1].

    Raises:
        ValueError: If ``name`` is unknown.
    """
    if name not in SHAPES:
        raise ValueError(f'name must be one of {", ".join(SHAPES)}, but is {name!r}')
    mask = np.zeros((size, size), np.uint8)
    center = (size - 1) / 2
    corners = [
        np.round((outline * SHAPE_RADIUS * size + center) * 2**_SHIFT).astype(np.int32) for outline in SHAPES[name]()
    ]
    cv2.fillPoly(mask, corners, color=255, lineType=cv2.LINE_AA, shift=_SHIFT)  # a second outline inside is a hole
    return mask.astype(np.float32) / np.float32(255)
