"""The probabilities of the best classes while a video runs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmvidext.drawing.figures import add_legend, new_figure

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
    figure = new_figure(8, 3.4)
    axes = figure.subplots()
    for index in best:
        axes.plot(seconds, probabilities[:, index], marker='o', markersize=3)
    axes.set(title='Probability while the video runs', xlabel='seconds', ylabel='probability', ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    add_legend(axes, [classes[index] for index in best], 10, 3.5, loc='center left', bbox_to_anchor=(1, 0.5))
    return figure
