"""The scenes of the generated recognition clips: an object that moves, or a camera that turns."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.synthetic.motion import CAMERA_TURNS, MOTIONS, camera_trajectory, motion_trajectory
from mmvidext.datasets.synthetic.scene import Layer, Scene
from mmvidext.datasets.synthetic.shape import SHAPE_RADIUS, SHAPES, shape_alpha
from mmvidext.datasets.synthetic.texture import color_texture, gray_noise
from mmvidext.datasets.synthetic.trajectory import Trajectory, smooth_jitter

__all__ = ['OBJECTS', 'background_layer', 'camera_scene', 'motion_scene', 'object_layer']

OBJECTS = tuple(name for name in SHAPES if name not in ('bar', 'pole'))  # these are thin

_OBJECT_SIZE = 64  # pixels of an object's texture along one side


def background_layer(
    rng: np.random.Generator,
    trajectory: Trajectory,
    *,
    size: tuple[int, int],
    class_id: int = 0,
    texture: Callable[..., NDArray[np.uint8]] = color_texture,
) -> Layer:
    """Return a background of one class, at least as large as a frame before it repeats.

    Args:
        rng: Source of the texture.
        trajectory: Where it is.
        size: ``(width, height)`` of a frame, in pixels.
        class_id: Class of its pixels.
        texture: What makes it, ``texture(rng, side, cells=...)``.
    """
    tile = 1 << int(np.ceil(np.log2(max(size))))
    cells = int(2 ** rng.integers(2, 5)) * max(tile // 128, 1)
    return Layer(texture(rng, tile, cells=cells), np.full((tile, tile), class_id, np.uint8), None, trajectory)


def object_layer(
    rng: np.random.Generator, shape: str, trajectory: Trajectory, *, class_id: int = 1, hue: float | None = None
) -> Layer:
    """Return an object with a random texture.

    Args:
        rng: Source of the texture.
        shape: One of :data:`~mmvidext.datasets.synthetic.shape.SHAPES`.
        trajectory: Where it is; its ``scale`` is the object's radius in pixels.
        class_id: Class of its pixels.
        hue: See :func:`~mmvidext.datasets.synthetic.texture.color_texture`.
    """
    texture = color_texture(rng, _OBJECT_SIZE, hue=hue, cells=int(2 ** rng.integers(2, 4)))
    scaled = Trajectory(trajectory.x, trajectory.y, trajectory.scale / (SHAPE_RADIUS * _OBJECT_SIZE), trajectory.angle)
    classes = np.full((_OBJECT_SIZE, _OBJECT_SIZE), class_id, np.uint8)
    return Layer(texture, classes, shape_alpha(shape, _OBJECT_SIZE), scaled)


def _camera(rng: np.random.Generator, *, size: tuple[int, int], num_frames: int) -> Trajectory:
    """Return the path of a background that drifts and shakes without regard to what the object does."""
    short_side = min(size)
    time = np.linspace(-0.5, 0.5, num_frames)
    start, drift = rng.uniform(-1, 1, 2) * short_side, rng.uniform(-0.04, 0.04, 2) * short_side
    x, y = (start[i] + drift[i] * time + smooth_jitter(rng, num_frames, 0.01 * short_side) for i in range(2))
    return Trajectory(x, y, np.ones(num_frames), np.full(num_frames, rng.uniform(0, 2 * np.pi)))


def motion_scene(rng: np.random.Generator, label: int, *, shape: str, size: tuple[int, int], num_frames: int) -> Scene:
    """Return a scene in which one object makes the motion ``MOTIONS[label]``.

    Args:
        rng: Source of everything random; nothing but the motion depends on the label.
        label: Index into :data:`~mmvidext.datasets.synthetic.motion.MOTIONS`.
        shape: The object, one of :data:`OBJECTS`.
        size: ``(width, height)`` of a frame, in pixels.
        num_frames: Frames of the clip.

    Returns:
        The scene; class 0 is the background, class ``k`` is shape ``OBJECTS[k - 1]``.
    """
    background = background_layer(rng, _camera(rng, size=size, num_frames=num_frames), size=size)
    trajectory = motion_trajectory(rng, MOTIONS[label], size=size, num_frames=num_frames)
    return _scene(rng, background, shape, trajectory, size=size, label=label)


def camera_scene(rng: np.random.Generator, label: int, *, shape: str, size: tuple[int, int], num_frames: int) -> Scene:
    """Return a scene of one object at rest, filmed by a camera that turns as ``CAMERA_TURNS[label]`` says.

    The whole picture moves, in full contrast, so a network from scratch learns the motion far sooner than those of
    :func:`motion_scene`. Arguments and result are the same.
    """
    path = camera_trajectory(rng, CAMERA_TURNS[label], size=size, num_frames=num_frames)
    background = background_layer(rng, path, size=size, texture=gray_noise)
    x, y = rng.uniform(0, 1, 2) * size
    radius = np.full(num_frames, rng.uniform(0.2, 0.3) * min(size))
    trajectory = Trajectory(path.x + x, path.y + y, radius, np.full(num_frames, rng.uniform(0, 2 * np.pi)))
    return _scene(rng, background, shape, trajectory, size=size, label=label)


def _scene(
    rng: np.random.Generator,
    background: Layer,
    shape: str,
    trajectory: Trajectory,
    *,
    size: tuple[int, int],
    label: int,
) -> Scene:
    """Put one object before a background.

    What leaves on one side enters on the other: every place of the picture is equally likely in every frame.
    """
    item = object_layer(rng, shape, trajectory, class_id=OBJECTS.index(shape) + 1)
    width, height = size
    offsets = [(x * width, y * height) for y in (-2, -1, 0, 1, 2) for x in (-2, -1, 0, 1, 2)]
    copies = [Layer(item.texture, item.classes, item.alpha, item.trajectory.moved(x, y)) for x, y in offsets]
    return Scene([background, *copies], size, label=label)
