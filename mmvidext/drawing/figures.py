"""Figures of matplotlib as pictures, without a display."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

from mmvidext.drawing.text_font import find_font, fit_names

__all__ = ['FigureNames', 'add_legend', 'figure_names', 'figure_picture', 'new_figure']

_POINTS = 72  # of an inch


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches that fits its parts to each other."""
    return Figure(figsize=(width, height), dpi=100, layout='constrained')


class FigureNames(NamedTuple):
    """Names that others gave, as the texts of a figure.

    Attributes:
        texts: What is written.
        style: Properties of these texts: a font that has their characters, and no formula where there is a dollar.
        width: Of the widest, in inches.
    """

    texts: list[str]
    style: dict[str, Any]
    width: float


def figure_names(names: Sequence[str], size: int, room: float) -> FigureNames:
    """Return names as the texts of a figure.

    Args:
        names: Of classes, runs or metrics.
        size: Of the font, in points.
        room: The most inches that a name may take, see :func:`~mmvidext.drawing.text_font.fit_names`.
    """
    font = find_font(frozenset(''.join(names)), size)
    texts = fit_names(names, room * _POINTS, font)
    style = dict(fontproperties=FontProperties(fname=str(font.path), size=size), parse_math=False)
    return FigureNames(texts, style, max(map(font.getlength, texts), default=0) / _POINTS)


def add_legend(axes: Axes, names: Sequence[str], size: int, room: float, **options: Any) -> None:
    """Add a legend for the lines of a plot, in their order, with names of whoever named them.

    Args:
        axes: The plot.
        names: One for each line.
        size: Of the font, in points.
        room: The most inches that a name may take.
        **options: Of matplotlib's ``legend``.
    """
    texts, style, _ = figure_names(names, size, room)
    # the names come afterwards: matplotlib leaves out a line whose name begins with an underscore
    legend = axes.legend(axes.lines, ['name'] * len(texts), prop=style['fontproperties'], **options)
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set(text=text, **style)


def figure_picture(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as RGB ``uint8 (H, W, 3)``."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()
