"""Affine augmentation of image pairs: one map for both images, and a small one more for the second."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmvidext.ops.checks import check_at_least, check_between, check_range
from mmvidext.registry import TRANSFORMS

__all__ = ['AffineRange', 'FlowPairAffine', 'warp_flow_pair']

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class AffineRange:
    """From what an affine map is drawn.

    Args:
        translate: Largest shift, as a part of the image's width and height, either way.
        zoom: Smallest and largest magnification; drawn evenly on a logarithmic scale.
        stretch: Smallest and largest factor that x is magnified by, and y by its reciprocal; drawn likewise.
        rotate: Largest turn in degrees, either way.

    Raises:
        ValueError: If a range is empty, or a number out of range: 0.001 to 1000 for factors.
    """

    translate: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    stretch: tuple[float, float] = (1.0, 1.0)
    rotate: float = 0.0

    def __post_init__(self) -> None:
        check_range(self.zoom, 1e-3, 1e3, name='zoom')
        check_range(self.stretch, 1e-3, 1e3, name='stretch')
        check_between(self.translate, 0, 1, name='translate')
        check_between(self.rotate, 0, 180, name='rotate')

    def draw(self, height: int, width: int) -> Matrix:
        """Draw a map ``(3, 3)`` from output to input pixels, about the image's center."""
        zoom, stretch = (np.exp(np.random.uniform(*np.log(values))) for values in (self.zoom, self.stretch))
        angle = np.deg2rad(np.random.uniform(-self.rotate, self.rotate))
        shift = np.random.uniform(-self.translate, self.translate, 2) * (width, height)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation / (zoom * np.array([stretch, 1 / stretch]))
        center = np.array([width - 1, height - 1]) / 2
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = center + shift - linear @ center
        return matrix


@TRANSFORMS.register_module()
class FlowPairAffine(BaseTransform):
    """Move, magnify, stretch and turn a pair, and the second image a little more (FlowNet, section 5.2).

    Maps are drawn until both images are filled by their originals; after ``max_draws`` failures the pair stays as it
    is. A ``stretch`` is what mmflow's configs call ``shear``.

    Args:
        shared: Keyword arguments of :class:`AffineRange` for both images.
        relative: Keyword arguments of :class:`AffineRange` for the second image, relative to the first.
        max_draws: How often to try.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, *, shared: dict[str, Any], relative: dict[str, Any] | None = None, max_draws: int = 50) -> None:
        check_at_least(max_draws, 1, name='max_draws')
        self.shared = AffineRange(**shared)
        self.relative = AffineRange(**(relative or {}))
        self.max_draws = max_draws

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Draw the maps and apply them to images, flow and validity."""
        height, width = results['img1'].shape[:2]
        for _ in range(self.max_draws):
            first = self.shared.draw(height, width)
            second = first @ self.relative.draw(height, width)
            if _stays_inside(first, height, width) and _stays_inside(second, height, width):
                return warp_flow_pair(results, first, second)
        return results


def warp_flow_pair(results: dict[str, Any], first: Matrix, second: Matrix) -> dict[str, Any]:
    """Apply an affine map to each image of a pair and carry the flow along.

    The output pixel ``p`` of the first image shows the input at ``x = first p``, which is at ``x + flow(x)`` in the
    second image and so at ``second^-1 (x + flow(x))`` in its output: the new flow is that less ``p``.

    Args:
        results: ``img1`` and ``img2``, and unless the split has no flow ``gt_flow (H, W, 2)`` and ``gt_valid (H, W)``.
        first: ``(3, 3)``, from output to input pixels ``(x, y, 1)`` of the first image.
        second: The same for the second image.

    Returns:
        ``results`` with these replaced, and ``gt_occluded`` where there is one. A vector is interpolated where all four
        that it lies between are known; elsewhere it is that of the nearest pixel, moved exactly, if that one is known.
        So sparse flow keeps its density.
    """
    if 'gt_flow' in results:
        _carry_flow(results, first, second)
    results['img1'] = _sample(results['img1'], first)
    results['img2'] = _sample(results['img2'], second)
    return results


def _carry_flow(results: dict[str, Any], first: Matrix, second: Matrix) -> None:
    """Replace flow and masks by those between the mapped images."""
    height, width = results['img1'].shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    places = np.stack((x, y, np.ones_like(x)), axis=-1)  # (H, W, 3)
    source = places @ first.T
    valid = results['gt_valid']
    flow = np.where(valid[..., None], results['gt_flow'], 0)

    dense = _sample(valid.astype(np.float32), first) > 1 - 1e-3
    column, row = (np.rint(source[..., axis]).astype(int) for axis in (0, 1))
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    row, column = row.clip(0, height - 1), column.clip(0, width - 1)
    nearest = np.stack((column, row, np.ones_like(row)), axis=-1)

    start = np.where(dense[..., None], places, nearest @ np.linalg.inv(first).T)
    target = np.where(dense[..., None], source, nearest)
    target[..., :2] += np.where(dense[..., None], _sample(flow, first), flow[row, column])
    results['gt_flow'] = (target @ np.linalg.inv(second).T - start)[..., :2].astype(np.float32)
    results['gt_valid'] = dense | (inside & valid[row, column])
    if 'gt_occluded' in results:
        results['gt_occluded'] = results['gt_occluded'][row, column]


def _sample(image: NDArray[Any], matrix: Matrix) -> NDArray[Any]:
    """Return ``image`` at ``matrix p`` for every output pixel ``p``, bilinear, zero outside."""
    height, width = image.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(np.ascontiguousarray(image), matrix[:2], (width, height), flags=flags)


def _stays_inside(matrix: Matrix, height: int, width: int) -> bool:
    """Whether every output pixel shows a place inside the input."""
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]])
    x, y, _ = (corners @ matrix.T).T
    return bool((x >= 0).all() and (x <= width - 1).all() and (y >= 0).all() and (y <= height - 1).all())
