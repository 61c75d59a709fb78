"""Figures of matplotlib as pictures, without a display."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

from mmvidext.drawing.text_font import find_font

__all__ = ['figure_picture', 'font_of', 'new_figure']


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches that fits its parts to each other."""
    return Figure(figsize=(width, height), dpi=100, layout='constrained')


def font_of(names: Sequence[str], size: int) -> FontProperties:
    """Return a font of so many points that has the characters of all names."""
    return FontProperties(fname=str(find_font(frozenset(''.join(names)), size).path), size=size)


def figure_picture(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as RGB ``uint8 (H, W, 3)``."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()
