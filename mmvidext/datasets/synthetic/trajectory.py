"""Where a layer of a scene is in each frame: position, scale and angle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ['Trajectory', 'smooth_jitter']


@dataclass(frozen=True)
class Trajectory:
    """A similarity transform for each of the T frames.

    Attributes:
        x: ``(T,)`` where the layer's center is, in frame pixels.
        y: ``(T,)``, the same, downward.
        scale: ``(T,)`` frame pixels per layer pixel.
        angle: ``(T,)`` in radians, clockwise as seen on the screen.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    scale: NDArray[np.float64]
    angle: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x)

    def matrix(self, frame: int, center: tuple[float, float]) -> NDArray[np.float64]:
        """Return the ``(3, 3)`` matrix from layer pixels, with their ``(x, y)`` ``center``, to pixels of ``frame``."""
        cosine = self.scale[frame] * np.cos(self.angle[frame])
        sine = self.scale[frame] * np.sin(self.angle[frame])
        turn = np.array([[cosine, -sine], [sine, cosine]])
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = np.array([self.x[frame], self.y[frame]]) - turn @ np.array(center)
        return matrix

    def moved(self, x: float, y: float) -> 'Trajectory':
        """Return the same trajectory ``(x, y)`` pixels away."""
        return Trajectory(self.x + x, self.y + y, self.scale, self.angle)


def smooth_jitter(rng: np.random.Generator, num_frames: int, amplitude: float) -> NDArray[np.float64]:
    """Return ``(num_frames,)`` values that swing slowly around zero, within about ``amplitude``."""
    time = np.arange(num_frames) / max(num_frames - 1, 1)
    cycles, phases = rng.uniform(0.5, 2.5, 2), rng.uniform(0, 2 * np.pi, 2)
    return amplitude / 2 * np.sin(2 * np.pi * (cycles[:, None] * time + phases[:, None] / (2 * np.pi))).sum(axis=0)
