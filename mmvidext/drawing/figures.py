"""Figures of matplotlib as pictures, without a display."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ['figure_picture', 'new_figure']


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches that fits its parts to each other."""
    return Figure(figsize=(width, height), dpi=100, layout='constrained')


def figure_picture(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as RGB ``uint8 (H, W, 3)``."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()
