"""Scenes of textured layers that move, with everything about them known exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.synthetic.trajectory import Trajectory

__all__ = ['Layer', 'Scene', 'View']


@dataclass(frozen=True)
class Layer:
    """One flat, rigid thing: an object, or the background.

    Attributes:
        texture: ``(h, w, 3)`` RGB, uint8.
        classes: ``(h, w)`` class of each of its pixels, uint8.
        alpha: ``(h, w)`` how much it covers, float32 in [0, 1]. None for a background: it covers the whole frame and
            repeats beyond its border.
        trajectory: Where it is in each frame.
    """

    texture: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    alpha: NDArray[np.float32] | None
    trajectory: Trajectory

    def matrix(self, frame: int) -> NDArray[np.float64]:
        """Return the ``(3, 3)`` matrix from layer pixels to pixels of ``frame``."""
        height, width = self.classes.shape
        return self.trajectory.matrix(frame, ((width - 1) / 2, (height - 1) / 2))


@dataclass(frozen=True)
class View:
    """One frame of a scene.

    Attributes:
        image: ``(H, W, 3)`` RGB, uint8.
        classes: ``(H, W)`` class of the visible surface, uint8.
        layers: ``(H, W)`` index of the visible layer, int16. A layer is visible where it covers half a pixel or more.
    """

    image: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    layers: NDArray[np.int16]


class Scene:
    """Layers over a background, seen in ``num_frames`` frames.

    Args:
        layers: From back to front; the first must be a background (``alpha`` None), and no other.
        size: ``(width, height)`` of a frame, in pixels.
        label: What moves how, for recognition: index of a motion class.

    Raises:
        ValueError: If the layers are not as described or their trajectories differ in length.
    """

    def __init__(self, layers: Sequence[Layer], size: tuple[int, int], *, label: int | None = None) -> None:
        if not layers or [layer.alpha is None for layer in layers] != [True] + [False] * (len(layers) - 1):
            raise ValueError('layers must be one background (alpha is None), then objects with an alpha')
        lengths = sorted({len(layer.trajectory) for layer in layers})
        if len(lengths) != 1:
            raise ValueError(f'all trajectories must have the same number of frames, but they have {lengths}')
        self.layers = tuple(layers)
        self.width, self.height = size
        self.num_frames = lengths[0]
        self.label = label

    def view(self, frame: int) -> View:
        """Render one frame.

        Args:
            frame: Index in ``[0, num_frames)``.

        Raises:
            IndexError: If there is no such frame.
        """
        self._check_frame(frame)
        background = self.layers[0]
        matrix, whole = background.matrix(frame), (self.width, self.height)
        image = _warp(background.texture, matrix, whole, borderMode=cv2.BORDER_WRAP)
        classes = _warp(background.classes, matrix, whole, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_WRAP)
        owners = np.zeros((self.height, self.width), np.int16)
        for index, layer in enumerate(self.layers[1:], start=1):
            self._draw(layer, index, layer.matrix(frame), (image, classes, owners))
        return View(image, classes, owners)

    def flow(self, start: int, end: int | None = None) -> NDArray[np.float32]:
        """Return the exact forward flow of the surface that frame ``start`` shows.

        Args:
            start: Index of the frame whose pixels are followed.
            end: Index of the frame they are followed to; by default the next one.

        Returns:
            ``(H, W, 2)`` in pixels, ``(x, y)``: pixel ``p`` of ``start`` is at ``p + flow[p]`` in ``end``, whether or
            not it is visible there.

        Raises:
            IndexError: If there is no such frame.
        """
        return self._flow(self.view(start).layers, start, start + 1 if end is None else end)

    def occlusion(self, start: int, end: int | None = None) -> NDArray[np.bool_]:
        """Return ``(H, W)``: which pixels of frame ``start`` are hidden, or outside the picture, in frame ``end``.

        Args:
            start: Index of the frame whose pixels are followed.
            end: Index of the frame they are followed to; by default the next one.

        Raises:
            IndexError: If there is no such frame.
        """
        end = start + 1 if end is None else end
        owners, owners_at_end = self.view(start).layers, self.view(end).layers
        y, x = np.mgrid[: self.height, : self.width]
        target = self._flow(owners, start, end) + np.stack([x, y], axis=-1)  # (H, W, 2)
        last = np.array([self.width - 1, self.height - 1])
        inside = ((target >= 0) & (target <= last)).all(axis=-1)
        column, row = np.moveaxis(np.clip(np.round(target), 0, last).astype(int), -1, 0)
        return ~inside | (owners_at_end[row, column] != owners)

    def _flow(self, owners: NDArray[np.int16], start: int, end: int) -> NDArray[np.float32]:
        self._check_frame(end)
        flow = np.empty((self.height, self.width, 2), np.float32)
        for index in np.unique(owners):
            layer = self.layers[index]
            step = layer.matrix(end) @ np.linalg.inv(layer.matrix(start)) - np.eye(3)
            y, x = np.nonzero(owners == index)
            flow[y, x] = (step[:2] @ np.stack([x, y, np.ones(len(x))])).T
        return flow

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.num_frames:
            raise IndexError(f'the scene has frames 0 to {self.num_frames - 1}, but frame {frame} was asked for')

    def _draw(
        self,
        layer: Layer,
        index: int,
        matrix: NDArray[np.float64],
        canvas: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int16]],
    ) -> None:
        """Put an object over what has been drawn so far; only the rectangle that it may touch is worked on."""
        height, width = layer.classes.shape
        corners = matrix[:2] @ np.array([[-1, width, -1, width], [-1, -1, height, height], [1, 1, 1, 1]])
        left, top = np.clip(np.floor(corners.min(axis=1)).astype(int), 0, [self.width, self.height])
        right, bottom = np.clip(np.ceil(corners.max(axis=1)).astype(int) + 1, 0, [self.width, self.height])
        if left >= right or top >= bottom:
            return
        size = (int(right - left), int(bottom - top))
        local = matrix - [[0, 0, left], [0, 0, top], [0, 0, 0]]
        alpha = _warp(layer.alpha, local, size)
        colors = _warp(layer.texture, local, size, borderMode=cv2.BORDER_REPLICATE)
        covered = alpha >= 0.5
        image, classes, owners = (array[top:bottom, left:right] for array in canvas)
        image[:] = np.round(image + alpha[..., None] * (colors - image.astype(np.float32)))
        nearest = _warp(layer.classes, local, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        classes[covered] = nearest[covered]
        owners[covered] = index


def _warp(
    picture: Any, matrix: NDArray[np.float64], size: tuple[int, int], *, flags: int = cv2.INTER_LINEAR, **options: Any
) -> Any:
    return cv2.warpAffine(picture, matrix[:2], size, flags=flags, **options)
