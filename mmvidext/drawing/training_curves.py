"""Loss and metrics of trainings over the time, from what mmengine logged in their work directories."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mmvidext.drawing.figures import add_legend, figure_names, new_figure

__all__ = ['metric_names', 'plot_training_curves', 'read_scalars']

Rows = list[dict[str, Any]]
_ROOM = 2.5  # inches of a name in a legend; a plot has 4
_TRAINING = 'training'  # rows with a loss
_NO_METRICS = {'data_time', 'time', 'step', 'epoch', 'iter', 'lr', 'memory', 'loss'}


def read_scalars(work_dir: Path) -> Rows:
    """Return what the newest run in a work directory logged, a dict for each line.

    Each start of a run has a folder of its own, named by its time. One whose first training step is behind that of the
    start before went on with that run: what it repeated replaces what was there. Any other began anew. A last line
    that is not whole, because the training runs or was killed, is left out.

    Raises:
        FileNotFoundError: If no run logged anything there.
        ValueError: If a line is no JSON object; the message names file and line.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not logs:
        raise FileNotFoundError(f'{work_dir} holds no */vis_data/scalars.json: is it the work dir of a training run?')
    rows: Rows = []
    for log in logs:
        later = _read_log(log)
        first, begin = _first_steps(rows), _first_steps(later)
        if _TRAINING not in begin:  # a test, or a start that was killed before its first line
            continue
        goes_on = _TRAINING in first and begin[_TRAINING] > first[_TRAINING]
        rows = [*_before(rows, begin), *later] if goes_on else later
    return rows


def _read_log(log: Path) -> Rows:
    rows = []
    lines = log.read_text(encoding='utf-8').splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if not line.endswith('\n'):
            break
        try:
            rows.append(dict(json.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f'{log}:{number} is no JSON object: delete the line') from error
    return rows


def _kind(row: dict[str, Any]) -> str:
    return _TRAINING if 'loss' in row else 'validation'  # whose steps may be epochs


def _first_steps(rows: Rows) -> dict[str, float]:
    """Return the first step of each kind of row."""
    return {_kind(row): row.get('step', 0) for row in reversed(rows)}


def _before(rows: Rows, begin: Mapping[str, float]) -> Rows:
    """Return the rows up to the first one that a later start has repeated."""
    for number, row in enumerate(rows):
        if row.get('step', 0) >= begin.get(_kind(row), inf):
            return rows[:number]
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
    only_metric = metrics[0] if metrics is not None and len(metrics) == 1 else ''
    validations = []
    for name, rows in runs.items():
        left.plot(*_means(rows, 'loss', 'epoch' if has_epochs else 'step'), marker='o', markersize=3)
        length = 1 if has_epochs else _epoch_length(rows)
        for metric in metric_names(rows) if metrics is None else metrics:
            places, values = _means(rows, metric, 'step')
            right.plot([place * length for place in places], values, marker='o', markersize=3)
            validations.append(name if only_metric else f'{name}: {metric}')
    left.set(title='Training loss', xlabel=unit, ylabel='loss')
    right.set(title='Validation', xlabel=unit)
    label = figure_names([only_metric], 10, _ROOM)
    right.set_ylabel(label.texts[0], **label.style)
    for axes, names in ((left, list(runs)), (right, validations)):
        axes.grid(alpha=0.3)
        if axes.lines:
            add_legend(axes, names, 8, _ROOM)
    return figure


def _epoch_length(rows: Rows) -> float:
    """Return the iterations of an epoch, by which a run of epochs counts its validations; 1 for one of iterations."""
    return max((row['step'] / row['epoch'] for row in rows if 'loss' in row and row.get('epoch')), default=1)


def _means(rows: Rows, key: str, at: str) -> tuple[list[float], list[float]]:
    """Return the epochs, or steps, and the mean of a value in each."""
    values = defaultdict(list)
    for row in rows:
        if key in row and at in row:
            values[row[at]].append(row[key])
    places = sorted(values)
    return places, [sum(values[place]) / len(values[place]) for place in places]
