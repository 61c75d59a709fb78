"""Loss and metrics of trainings over the time, from what mmengine logged in their work directories."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mmvidext.drawing.figures import new_figure

__all__ = ['metric_names', 'plot_training_curves', 'read_scalars']

Rows = Sequence[dict[str, Any]]
_NO_METRICS = {'data_time', 'time', 'step', 'epoch', 'iter', 'lr', 'memory', 'loss'}


def read_scalars(work_dir: Path) -> Rows:
    """Return what the newest run in a work directory logged, a dict for each line.

    A last line that is not whole yet, because the training runs, is left out.

    Raises:
        FileNotFoundError: If no run logged anything there.
        ValueError: If a line is no JSON object; the message names file and line.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'), key=lambda path: path.stat().st_mtime)
    if not logs:
        raise FileNotFoundError(f'{work_dir} holds no */vis_data/scalars.json: is it the work dir of a training run?')
    rows = []
    lines = logs[-1].read_text(encoding='utf-8').splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if not line.endswith('\n'):
            break
        try:
            rows.append(dict(json.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f'{logs[-1]}:{number} is no JSON object: delete the line') from error
    return rows


def metric_names(rows: Rows) -> list[str]:
    """Return what a validation logged: the numbers of rows without a loss."""
    names = {
        name: None
        for row in rows
        if 'loss' not in row
        for name, value in row.items()
        if isinstance(value, (int, float)) and name not in _NO_METRICS
    }
    return list(names)


def plot_training_curves(runs: Mapping[str, Rows], metrics: Sequence[str] | None = None) -> Figure:
    """Plot training loss and validation metrics of runs.

    Args:
        runs: Name in the legend, and rows of :func:`read_scalars`.
        metrics: What to show of the validations; None is everything that they logged.

    Returns:
        A figure with two plots, each with a legend.
    """
    figure = new_figure(10, 3.8)
    left, right = figure.subplots(1, 2)
    has_epochs = all('epoch' in row for rows in runs.values() for row in rows if 'loss' in row)
    unit = 'epoch' if has_epochs else 'iteration'
    for name, rows in runs.items():
        left.plot(*_means(rows, 'loss', 'epoch' if has_epochs else 'step'), marker='o', markersize=3, label=name)
        for metric in metric_names(rows) if metrics is None else metrics:
            label = name if metrics is not None and len(metrics) == 1 else f'{name}: {metric}'
            right.plot(*_means(rows, metric, 'step'), marker='o', markersize=3, label=label)
    shown = metrics[0] if metrics is not None and len(metrics) == 1 else ''
    left.set(title='Training loss', xlabel=unit, ylabel='loss')
    right.set(title='Validation', xlabel=unit, ylabel=shown)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)
    return figure


def _means(rows: Rows, key: str, at: str) -> tuple[list[float], list[float]]:
    """Return the epochs, or steps, and the mean of a value in each."""
    values = defaultdict(list)
    for row in rows:
        if key in row and at in row:
            values[row[at]].append(row[key])
    places = sorted(values)
    return places, [sum(values[place]) / len(values[place]) for place in places]
