"""Scenes for segmentation and flow: several objects that move, turn and grow over a moving ground."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.synthetic.motion_scene import object_layer
from mmvidext.datasets.synthetic.scene import Layer, Scene
from mmvidext.datasets.synthetic.texture import clouds, color_texture
from mmvidext.datasets.synthetic.trajectory import Trajectory

__all__ = ['GROUND', 'THIN', 'THINGS', 'SceneOptions', 'random_scene']


@dataclass(frozen=True)
class Kind:
    """A class of Cityscapes and what stands for it here.

    Attributes:
        train_id: Its index among the 19 classes that are trained and evaluated.
        hue: Its color, in [0, 1); some kinds share theirs, so that the shape counts too.
        shape: Of the object; empty for the ground.
    """

    train_id: int
    hue: float
    shape: str = ''


GROUND = (Kind(0, 0.08), Kind(8, 0.3))  # road, vegetation
THINGS = (
    Kind(13, 0.6, 'square'),  # car
    Kind(15, 0.6, 'bar'),  # bus
    Kind(11, 0.95, 'triangle'),  # person
    Kind(12, 0.95, 'star'),  # rider
    Kind(18, 0.8, 'ring'),  # bicycle
    Kind(7, 0.15, 'disc'),  # traffic sign
    Kind(6, 0.45, 'cross'),  # traffic light
)
THIN = Kind(5, 0.7, 'pole')


@dataclass(frozen=True)
class SceneOptions:
    """What a random scene is like.

    Attributes:
        size: ``(width, height)`` of a frame, in pixels.
        num_frames: Frames.
        max_displacement: How far any visible point moves from one frame to the next at most, in pixels.
        num_objects: Objects, thin ones not counted.
        thin_objects: Poles, about 3 to 5 pixels wide where the short side is 128.
        keep_in_view: Objects turn back at the border; otherwise they come and go, and are in view for a part of it.
    """

    size: tuple[int, int]
    num_frames: int
    max_displacement: float
    num_objects: int = 6
    thin_objects: int = 0
    keep_in_view: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: If one is out of range.
        """
        if min(self.size) < 16 or self.num_frames < 1:
            raise ValueError(
                f'scenes need sides of at least 16 pixels and a frame, but size is {self.size} and num_frames '
                f'{self.num_frames}'
            )
        if not 0 <= self.max_displacement < math.inf or self.num_objects < 0 or self.thin_objects < 0:
            raise ValueError(
                'max_displacement, num_objects and thin_objects must be finite and 0 or more, but are '
                f'{self.max_displacement}, {self.num_objects} and {self.thin_objects}'
            )


def random_scene(rng: np.random.Generator, options: SceneOptions) -> Scene:
    """Return a random scene whose classes are ``train_id`` values of Cityscapes.

    Args:
        rng: Source of everything random.
        options: What it is like.
    """
    kinds = [THINGS[index] for index in rng.integers(len(THINGS), size=options.num_objects)]
    kinds += [THIN] * options.thin_objects
    layers = [_ground(rng, options)]
    for index in rng.permutation(len(kinds)):
        kind = kinds[index]
        radius = min(options.size) * (rng.uniform(0.25, 0.4) if kind is THIN else rng.uniform(0.12, 0.22))
        path = _path(rng, options, radius=radius, speed=(0.2, 0.7), scale=radius)
        if options.keep_in_view:
            path = _kept_in_view(path, options.size, radius)
        layers.append(object_layer(rng, kind.shape, path, class_id=kind.train_id, hue=kind.hue))
    return Scene(layers, options.size)


def _ground(rng: np.random.Generator, options: SceneOptions) -> Layer:
    """Return a background of two materials with a winding border."""
    tile = 1 << int(np.ceil(np.log2(max(options.size))))
    regions = clouds(rng, tile, cells=4, octaves=1) > 0.5
    first, second = (
        color_texture(rng, tile, hue=kind.hue, cells=int(2 ** rng.integers(3, 5)) * max(tile // 128, 1))
        for kind in GROUND
    )
    texture = np.where(regions[..., None], first, second)
    classes = np.where(regions, GROUND[0].train_id, GROUND[1].train_id).astype(np.uint8)
    reach = float(np.hypot(*options.size))
    return Layer(texture, classes, None, _path(rng, options, radius=reach, speed=(0.0, 0.4), scale=1.0))


def _path(
    rng: np.random.Generator, options: SceneOptions, *, radius: float, speed: tuple[float, float], scale: float
) -> Trajectory:
    """Return a steady motion that is inside the picture at a random moment.

    Of the displacement, up to 0.7 is travel and 0.3 is turning and growing, seen at ``radius`` from the center.
    """
    time = np.arange(options.num_frames) - rng.integers(options.num_frames)
    center = rng.uniform(0, 1, 2) * options.size
    direction, pace = rng.uniform(0, 2 * np.pi), rng.uniform(*speed) * options.max_displacement
    largest = 1.3 * radius  # growth is stopped at 1.25
    turn, growth = rng.uniform(-1, 1, 2) * 0.15 * options.max_displacement / largest
    return Trajectory(
        x=center[0] + pace * np.cos(direction) * time,
        y=center[1] + pace * np.sin(direction) * time,
        scale=scale * np.clip(1 + growth * time, 0.75, 1.25),
        angle=rng.uniform(0, 2 * np.pi) + turn * time,
    )


def _kept_in_view(path: Trajectory, size: tuple[int, int], radius: float) -> Trajectory:
    """Let the center turn back ``radius`` before the borders, at the pace that it has."""
    x, y = (
        radius + (length - 2 * radius) * _zigzag((center - radius) / (length - 2 * radius))
        for center, length in zip((path.x, path.y), size, strict=True)
    )
    return Trajectory(x, y, path.scale, path.angle)


def _zigzag(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fold the line onto [0, 1]: 0 to 1 as it is, 1 to 2 backward, and so on."""
    return 1 - np.abs(1 - position % 2)
