"""The probabilities of the best classes while a video runs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmvidext.drawing.figures import font_of, new_figure

__all__ = ['plot_probabilities']


def plot_probabilities(
    seconds: Sequence[float], probabilities: NDArray[np.float32], classes: Sequence[str], *, count: int = 5
) -> Figure:
    """Plot the probabilities of the classes that are best on average over the time.

    Args:
        seconds: When each prediction was made, ``(T,)``.
        probabilities: ``float32 (T, num_classes)``, T at least 1.
        classes: Names.
        count: Classes to show.

    Returns:
        A figure with a title and a legend, best class first.
    """
    best = np.argsort(-probabilities.mean(axis=0), kind='stable')[:count]
    names = [classes[index] for index in best]
    figure = new_figure(8, 3.4)
    axes = figure.subplots()
    for index, name in zip(best, names, strict=True):
        axes.plot(seconds, probabilities[:, index], marker='o', markersize=3, label=_shown(name))
    axes.set(title='Probability while the video runs', xlabel='seconds', ylabel='probability', ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(prop=font_of(names, 10), loc='center left', bbox_to_anchor=(1, 0.5))
    return figure


def _shown(name: str) -> str:
    """Return a name as matplotlib shows it: a dollar begins a formula, and a leading underscore hides a line."""
    return (name if len(name) <= 40 else f'{name[:37]}...').replace('$', r'\$').removeprefix('_') or 'class'
