"""A camera that moves over a picture: its pose in each frame, and what it sees."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.synthetic.motion import Motion
from mmvidext.datasets.synthetic.trajectory import smooth_jitter

__all__ = ['CAMERA_MOTIONS', 'CameraPath', 'random_camera_path']


# what the camera does, unlike what `Motion` says of objects: rightwards and downward, or closer
CAMERA_MOTIONS = (
    Motion('Moving the camera left over [something]', x=-1),
    Motion('Moving the camera right over [something]', x=1),
    Motion('Moving the camera up over [something]', y=-1),
    Motion('Moving the camera down over [something]', y=1),
    Motion('Moving the camera closer to [something]', zoom=1),
    Motion('Moving the camera away from [something]', zoom=-1),
    Motion('Holding the camera still over [something]'),
)


@dataclass(frozen=True)
class CameraPath:
    """A pinhole camera over the plane of a picture, in each of T moments.

    Lengths are in units of the short side of what the camera sees at zoom 1, when it looks straight at the picture.

    Attributes:
        position: ``(T, 2)`` ``(x, y)`` of the point that it is above, from the middle of the picture.
        zoom: ``(T,)``
        angles: ``(T, 3)`` of yaw (rightwards), pitch (downward) and roll, in radians.
        focal: Focal length; the distance from the picture too.
    """

    position: NDArray[np.float64]
    zoom: NDArray[np.float64]
    angles: NDArray[np.float64]
    focal: float

    def __len__(self) -> int:
        return len(self.zoom)

    def matrix(self, moment: int) -> NDArray[np.float64]:
        """Return the ``(3, 3)`` homography from the picture to the frame, both in the units of the path."""
        yaw, pitch, roll = self.angles[moment]
        turn = _rotation(2, roll) @ _rotation(0, pitch) @ _rotation(1, yaw)
        x, y = self.position[moment]
        plane = np.array([[1, 0, -x], [0, 1, -y], [0, 0, self.focal]])
        focal = self.focal * self.zoom[moment]
        return np.diag([focal, focal, 1]) @ turn @ plane

    def view(
        self, picture: NDArray[np.uint8], moment: int, *, size: tuple[int, int], scale: float
    ) -> NDArray[np.uint8]:
        """Return what the camera sees.

        Args:
            picture: ``(h, w, 3)``; beyond its border it is mirrored.
            moment: Index in ``[0, T)``.
            size: ``(width, height)`` of the frame, in pixels.
            scale: Pixels of the picture that are one unit.
        """
        height, width = picture.shape[:2]
        to_units = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, scale]]) / scale
        short = min(size)
        to_frame = np.array([[short, 0, (size[0] - 1) / 2], [0, short, (size[1] - 1) / 2], [0, 0, 1]])
        homography = to_frame @ self.matrix(moment) @ to_units
        seen: Any = cv2.warpPerspective(picture, homography, size, borderMode=cv2.BORDER_REFLECT_101)
        return seen


def _rotation(axis: int, angle: float) -> NDArray[np.float64]:
    """Return the rotation about x (0), y (1) or z (2)."""
    matrix = np.eye(3)
    first, second = [other for other in range(3) if other != axis]
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def random_camera_path(rng: np.random.Generator, motion: Motion, *, num_moments: int) -> CameraPath:
    """Return a random path of one motion.

    The speed varies from clip to clip by a factor of ten, and within a clip. A pan or tilt is a shift, a turn, or some
    of both. Every motion comes with a smaller one of the other kinds, and with a hand that trembles.

    Args:
        rng: Source of everything random.
        motion: What the camera does.
        num_moments: T.
    """
    time = np.linspace(-0.5, 0.5, num_moments)
    progress = _progress(rng, time)
    moves = bool(motion.x or motion.y or motion.zoom)
    # of a pan or tilt in units; how far a zoom moves the borders is about the same
    reach = float(np.exp(rng.uniform(np.log(0.08), np.log(0.85)))) if moves else float(rng.uniform(0, 0.015))
    side = rng.uniform(-0.25, 0.25, 3) * reach
    goal = np.array([motion.x, motion.y, motion.zoom]) * reach
    goal[goal == 0] = side[goal == 0]
    goal[2] *= 1.6 if motion.zoom else 0.6
    shake, tremble = rng.uniform(0, 0.02, 2) * min(1.0, 0.1 + 2 * reach)
    way = goal[:2] * progress[:, None]  # (T, 2)
    way = way + np.stack([smooth_jitter(rng, num_moments, shake) for _ in range(2)], axis=1)
    way += 0.2 * tremble * rng.standard_normal((num_moments, 2))
    focal, turning = rng.uniform(0.8, 2.5), rng.choice([0.0, 1.0, rng.random()])
    angles = np.empty((num_moments, 3))
    angles[:, :2] = rng.uniform(-0.2, 0.2, 2) + turning * way / focal
    angles[:, 2] = rng.uniform(-0.15, 0.15) + rng.uniform(-0.12, 0.12) * reach * progress
    return CameraPath((1 - turning) * way, np.exp(goal[2] * progress + rng.uniform(0, 0.2)), angles, focal)


def _progress(rng: np.random.Generator, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of its way a camera has gone, ``(T,)`` from -0.5 to 0.5: steady, or slow at one or both ends."""
    begin = time + 0.5
    eased = begin**2 * (3 - 2 * begin)
    speeding = begin ** np.exp(rng.uniform(-0.5, 0.5))
    weight = rng.uniform(0, 1)
    return weight * eased + (1 - weight) * speeding - 0.5
