"""Random textures that repeat seamlessly, so that a moving background never runs out of picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ['clouds', 'color_texture', 'gray_noise', 'pattern']

PATTERNS = ('clouds', 'stripes', 'checks', 'dots')


def _enlarged(grid: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a square grid whose borders are joined, enlarged smoothly to ``(size, size)``."""
    factor = size // len(grid)
    smooth = cv2.resize(np.pad(grid, 2, mode='wrap'), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    inner = slice(2 * factor, 2 * factor + size)
    return smooth[inner, inner].astype(np.float32)


def clouds(rng: np.random.Generator, size: int, *, cells: int = 8, octaves: int = 3) -> NDArray[np.float32]:
    """Return smooth noise that repeats with period ``size`` in both directions.

    Args:
        rng: Source of the noise.
        size: Side of the square, in pixels; a power of two.
        cells: Bumps along one side in the coarsest octave; a power of two.
        octaves: Octaves added, each with half the bump size and half the weight of the one before.

    Returns:
        ``(size, size)`` values in [0, 1].
    """
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        count = min(cells << octave, size)
        total += _enlarged(rng.random((count, count), dtype=np.float32), size) / 2**octave
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def pattern(rng: np.random.Generator, size: int, kind: str, *, cells: int = 8) -> NDArray[np.float32]:
    """Return one of the :data:`PATTERNS` as ``(size, size)`` values in [0, 1] that repeat with period ``size``.

    Args:
        rng: Source of direction, phase and noise.
        size: Side of the square, in pixels; a power of two.
        kind: ``'clouds'``, ``'stripes'``, ``'checks'`` or ``'dots'``.
        cells: Bumps, or about the number of periods, along one side; a power of two.

    Raises:
        ValueError: If ``kind`` is unknown.
    """
    if kind not in PATTERNS:
        raise ValueError(f'kind must be one of {", ".join(PATTERNS)}, but is {kind!r}')
    if kind == 'clouds':
        return clouds(rng, size, cells=cells)
    # whole numbers of periods along both sides keep the pattern seamless; the second wave is at right angles
    direction = rng.uniform(0, 2 * np.pi)
    along, across = np.round(cells / 2 * np.array([np.cos(direction), np.sin(direction)]))
    y, x = np.mgrid[:size, :size].astype(np.float32) * (2 * np.pi / size)
    first = np.sin(along * x + across * y + rng.uniform(0, 2 * np.pi))
    second = np.sin(-across * x + along * y + rng.uniform(0, 2 * np.pi))
    wave = {'stripes': first, 'checks': first * second, 'dots': first + second - 0.5}[kind]
    return (0.5 + 0.5 * np.tanh(3 * wave)).astype(np.float32)


def _color(rng: np.random.Generator, hue: float) -> NDArray[np.float32]:
    """Return a random RGB color, ``(3,)`` in [0, 255], of a hue in [0, 1)."""
    hsv = np.array([[[hue % 1 * 360, rng.uniform(0.3, 1), rng.uniform(0.35, 1)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] * 255


def color_texture(
    rng: np.random.Generator, size: int, *, hue: float | None = None, kind: str | None = None, cells: int = 8
) -> NDArray[np.uint8]:
    """Return a random colored texture that repeats with period ``size``.

    Args:
        rng: Source of everything random.
        size: Side of the square, in pixels; a power of two.
        hue: Hue of both colors, in [0, 1), give or take a little; by default each color has its own random one.
        kind: Pattern, see :func:`pattern`; random by default.
        cells: Bumps, or about the number of periods, along one side; a power of two.

    Returns:
        ``(size, size, 3)`` RGB.
    """
    kind = PATTERNS[rng.integers(len(PATTERNS))] if kind is None else kind
    hues = rng.random(2) if hue is None else hue + rng.uniform(-0.03, 0.03, 2)
    first, second = _color(rng, hues[0]), _color(rng, hues[1])
    mix = 0.6 * pattern(rng, size, kind, cells=cells) + 0.4 * clouds(rng, size, cells=cells)
    light = 0.55 + 0.45 * clouds(rng, size, cells=2 * cells, octaves=2)
    colors = (first + mix[..., None] * (second - first)) * light[..., None]
    return np.clip(colors, 0, 255).astype(np.uint8)


def gray_noise(rng: np.random.Generator, size: int, *, cells: int = 8) -> NDArray[np.uint8]:
    """Return smooth gray noise of full contrast that repeats with period ``size``.

    Every texture has about the same mean and standard deviation, those of ImageNet's pixels: a network need not first
    learn to look past light and contrast.

    Args:
        rng: Source of the noise.
        size: Side of the square, in pixels; a power of two.
        cells: Bumps along one side; a power of two.

    Returns:
        ``(size, size, 3)`` RGB.
    """
    noise = _enlarged(rng.standard_normal((cells, cells), dtype=np.float32), size)
    gray = 116 + 57 * (noise - noise.mean()) / noise.std()
    return np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
