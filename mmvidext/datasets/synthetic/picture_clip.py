"""Clips of a camera that moves over photographs, for models that are to work on real video."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.media.images import read_rgb
from mmvidext.datasets.synthetic.picture_camera import CAMERA_MOTIONS, CameraPath, random_camera_path
from mmvidext.datasets.synthetic.shape import shape_alpha

__all__ = ['list_textures', 'picture_clip']

_SUFFIXES = ('.jpg', '.jpeg', '.png')
_LONG_SIDE = 1280  # pixels; of a larger picture nothing more would be seen
_OVERSAMPLING = 2


def list_textures(folder: Path) -> list[Path]:
    """Return the pictures in a folder and below it, in the order of their names.

    Raises:
        ValueError: If there are fewer than two: one is for training, another for validation.
    """
    pictures = sorted(path for path in folder.rglob('*') if path.suffix.lower() in _SUFFIXES and path.is_file())
    if len(pictures) < 2:
        raise ValueError(f'{folder} has {len(pictures)} pictures ({", ".join(_SUFFIXES)}), but at least 2 are needed')
    return pictures


def picture_clip(
    rng: np.random.Generator,
    label: int,
    *,
    textures: Sequence[Path],
    shape: str,
    size: tuple[int, int],
    num_frames: int,
) -> Iterator[NDArray[np.uint8]]:
    """Render a clip in which the camera makes the motion ``CAMERA_MOTIONS[label]`` over a photograph.

    In most clips something cut out of another photograph moves on its own. Light, contrast, color, blur and noise vary.

    Args:
        rng: Source of everything random.
        label: Index into :data:`~mmvidext.datasets.synthetic.picture_camera.CAMERA_MOTIONS`.
        textures: Files of photographs; the clip takes from two of them.
        shape: Of what moves on its own, see :func:`~mmvidext.datasets.synthetic.shape.shape_alpha`.
        size: ``(width, height)`` of a frame, in pixels.
        num_frames: Frames of the clip.

    Yields:
        ``(height, width, 3)`` RGB, uint8.

    Raises:
        ValueError: If a picture cannot be read.
    """
    blurs = bool(rng.random() < 0.5)
    steps = 3 if blurs else 1  # moments that one exposure averages
    path = random_camera_path(rng, CAMERA_MOTIONS[label], num_moments=num_frames * steps)
    fine = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    ground = _ground(rng, textures, path, fine)
    thing = _Thing(rng, textures, shape, ground.shape[:2], min(fine), len(path))
    light = _Light(rng, num_frames)
    for frame in range(num_frames):
        exposure = np.zeros((size[1], size[0], 3), np.float32)
        for step in range(steps):
            moment = frame * steps + step
            seen = path.view(thing.drawn_on(ground, moment), moment, size=fine, scale=min(fine))
            exposure += cv2.resize(seen, size, interpolation=cv2.INTER_AREA).astype(np.float32) / steps
        yield light.apply(rng, exposure, frame)


@lru_cache(maxsize=32)
def _picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture, RGB, made smaller where it is large."""
    picture = read_rgb(str(path))
    factor = min(1.0, _LONG_SIDE / max(picture.shape[:2]))
    smaller: Any = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return smaller


def _ground(
    rng: np.random.Generator, textures: Sequence[Path], path: CameraPath, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a part of a photograph for the camera to move over, three times as large as a frame; not one of sky."""
    best: Any = None
    contrast = -1.0
    for _ in range(6):
        picture = _picture(textures[int(rng.integers(len(textures)))])
        shown = np.exp(rng.uniform(np.log(0.15), np.log(0.6)))  # of the short side
        factor = min(size) / (shown * min(picture.shape[:2]))
        wide = [min(side, int(3 * size[axis] / factor)) for axis, side in enumerate(picture.shape[1::-1])]
        x, y = (int(rng.integers(side - part + 1)) for side, part in zip(picture.shape[1::-1], wide, strict=True))
        part: Any = picture[y : y + wide[1], x : x + wide[0]]
        part = cv2.resize(
            part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        )
        view = path.view(part, len(path) // 2, size=size, scale=min(size))
        detail = float(np.abs(cv2.Laplacian(cv2.GaussianBlur(view, (0, 0), 2), cv2.CV_32F)).mean())
        if detail > contrast:
            best, contrast = part, detail
        if contrast > 1.0:
            break
    if rng.random() < 0.5:
        best = best[:, ::-1]
    return np.ascontiguousarray(best)


class _Thing:
    """Something that moves on its own over the ground, or nothing."""

    def __init__(
        self,
        rng: np.random.Generator,
        textures: Sequence[Path],
        shape: str,
        ground: tuple[int, ...],
        unit: int,
        num_moments: int,
    ) -> None:
        side = int(unit * rng.uniform(0.2, 0.6)) if rng.random() < 0.7 else 0
        self.alpha = shape_alpha(shape, max(side, 16))[..., None] if side else None
        picture = _picture(textures[int(rng.integers(len(textures)))])
        x, y = (int(rng.integers(max(1, length - side))) for length in picture.shape[1::-1])
        self.cut = cv2.resize(picture[y : y + max(side, 16), x : x + max(side, 16)], (max(side, 16),) * 2)
        start = np.array([ground[1] / 2, ground[0] / 2]) + rng.uniform(-0.6, 0.6, 2) * unit
        way = rng.uniform(-0.4, 0.4, 2) * unit
        self.places = start + way * np.linspace(-0.5, 0.5, num_moments)[:, None]

    def drawn_on(self, ground: NDArray[np.uint8], moment: int) -> NDArray[np.uint8]:
        """Return the ground with the thing on it."""
        if self.alpha is None:
            return ground
        side = len(self.alpha)
        place = self.places[moment] - side / 2
        left, top = np.floor(place).astype(int)
        shift = np.array([[1, 0, place[0] - left], [0, 1, place[1] - top]])
        alpha = cv2.warpAffine(self.alpha, shift, (side + 1, side + 1))[..., None]
        cut = cv2.warpAffine(self.cut, shift, (side + 1, side + 1), borderMode=cv2.BORDER_REPLICATE)
        rows = slice(max(top, 0), max(top + side + 1, 0))
        columns = slice(max(left, 0), max(left + side + 1, 0))
        result = ground.copy()
        under = result[rows, columns]
        here = (slice(max(-top, 0), None), slice(max(-left, 0), None))
        alpha, cut = (part[here][: under.shape[0], : under.shape[1]] for part in (alpha, cut))
        under[:] = np.round(under + alpha * (cut.astype(np.float32) - under))
        return result


class _Light:
    """Light, contrast, color, blur and noise of a clip."""

    def __init__(self, rng: np.random.Generator, num_frames: int) -> None:
        self.gray = rng.random() < 0.15
        self.gain = rng.uniform(0.5, 1.3) * rng.uniform(0.85, 1.15, 3)
        self.offset = rng.uniform(-15, 40)
        self.flicker = 1 + rng.uniform(0, 0.03) * rng.standard_normal(num_frames)
        self.blur = rng.uniform(0, 1.0)
        self.noise = rng.uniform(0, 6)

    def apply(self, rng: np.random.Generator, image: Any, frame: int) -> NDArray[np.uint8]:
        """Return the frame as this camera records it."""
        if self.gray:
            image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
        if self.blur > 0.3:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        image = image * self.gain * self.flicker[frame] + self.offset
        return np.clip(image + self.noise * rng.standard_normal(image.shape), 0, 255).astype(np.uint8)
