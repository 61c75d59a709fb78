"""The motions that the generated recognition clips show, and the label of each.

They come in pairs of which one is the other played backward, so only the direction of time distinguishes them.
"""

from dataclasses import dataclass

import numpy as np

from mmvidext.datasets.synthetic.trajectory import Trajectory, smooth_jitter

__all__ = ['CAMERA_TURNS', 'FLIP_LABEL_MAP', 'MOTIONS', 'Motion', 'camera_trajectory', 'motion_trajectory']


@dataclass(frozen=True)
class Motion:
    """What an object does during a clip.

    Attributes:
        template: The label in the words of Something-Something, with ``[something]`` in brackets.
        x: Direction of travel, -1, 0 or 1; rightwards is positive.
        y: The same; downward is positive.
        zoom: 1 when it grows, -1 when it shrinks, else 0.
    """

    template: str
    x: int = 0
    y: int = 0
    zoom: int = 0

    @property
    def name(self) -> str:
        """The template without brackets, as in the labels file."""
        return self.template.replace('[', '').replace(']', '')


# in alphabetical order, as the classes of Something-Something V2 are
MOTIONS = (
    Motion('Moving [something] away from the camera', zoom=-1),
    Motion('Moving [something] down', y=1),
    Motion('Moving [something] toward the camera', zoom=1),
    Motion('Moving [something] up', y=-1),
    Motion('Pushing [something] from left to right', x=1),
    Motion('Pushing [something] from right to left', x=-1),
)

# what the picture does: the opposite of what the camera does
CAMERA_TURNS = (
    Motion('Turning the camera downward while filming [something]', y=-1),
    Motion('Turning the camera left while filming [something]', x=1),
    Motion('Turning the camera right while filming [something]', x=-1),
    Motion('Turning the camera upward while filming [something]', y=1),
)

FLIP_LABEL_MAP = {4: 5, 5: 4}  # labels that a horizontal flip exchanges, for mmaction2's `Flip`


def motion_trajectory(
    rng: np.random.Generator, motion: Motion, *, size: tuple[int, int], num_frames: int
) -> Trajectory:
    """Return a random trajectory of one motion.

    Taken over all frames of a clip, position, size and angle have the same distribution whatever the motion: the
    position is uniform on a picture whose opposite borders are joined, the angle is uniform, and an object that keeps
    its size takes it from a random moment of one that changes it. So a single frame says nothing about the label.

    Args:
        rng: Source of everything random. The same numbers are drawn for every motion.
        motion: What the object does.
        size: ``(width, height)`` of a frame, in pixels.
        num_frames: Frames of the clip, T.

    Returns:
        Center in pixels (it may leave the picture: draw the object once per period, which is ``size``), angle in
        radians, and in ``scale`` the object's radius in pixels.
    """
    short_side = min(size)
    time = np.linspace(-0.5, 0.5, num_frames)
    start = rng.uniform(0, 1, 2) * size
    travel = rng.uniform(1.1, 1.6) * short_side
    growth = np.log(rng.uniform(2.0, 2.5))
    radius = np.exp(rng.uniform(np.log(0.27), np.log(0.31))) * short_side
    moment = rng.choice(time)
    jitter = [smooth_jitter(rng, num_frames, 0.015 * short_side) for _ in range(2)]
    return Trajectory(
        x=start[0] + motion.x * travel * time + jitter[0],
        y=start[1] + motion.y * travel * time + jitter[1],
        scale=radius * np.exp(growth * (motion.zoom * time if motion.zoom else np.full(num_frames, moment))),
        angle=np.full(num_frames, rng.uniform(0, 2 * np.pi)),
    )


def camera_trajectory(rng: np.random.Generator, turn: Motion, *, size: tuple[int, int], num_frames: int) -> Trajectory:
    """Return a random path of the whole picture under one of :data:`CAMERA_TURNS`; its position is uniform.

    Args:
        rng: Source of everything random. The same numbers are drawn for every turn.
        turn: What the picture does.
        size: ``(width, height)`` of a frame, in pixels.
        num_frames: Frames of the clip, T.
    """
    short_side = min(size)
    time = np.linspace(-0.5, 0.5, num_frames)
    start = rng.uniform(-1, 1, 2) * short_side
    travel = rng.uniform(0.6, 1.0) * short_side
    drift = rng.uniform(-0.06, 0.06, 2) * short_side
    jitter = [smooth_jitter(rng, num_frames, 0.01 * short_side) for _ in range(2)]
    return Trajectory(
        x=start[0] + (turn.x * travel + drift[0]) * time + jitter[0],
        y=start[1] + (turn.y * travel + drift[1]) * time + jitter[1],
        scale=np.ones(num_frames),
        angle=np.full(num_frames, rng.uniform(0, 2 * np.pi)),
    )
