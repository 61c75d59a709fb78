"""Accuracy of each class, as a table, and which classes are mistaken for which, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import NDArray
from prettytable import PrettyTable

from mmvidext.datasets.atomic_write import atomic_path
from mmvidext.datasets.class_names import read_class_names
from mmvidext.datasets.printable import printable
from mmvidext.evaluation.named_samples import check_any, sample_name
from mmvidext.registry import METRICS

__all__ = ['ClassificationReport', 'draw_confusion_matrix']

_MOST_LABELED = 40  # with more classes the picture has no room for names and numbers


@METRICS.register_module()
class ClassificationReport(BaseMetric):
    """Per-class accuracy of a recognizer.

    ``mean_class_accuracy`` is the mean over the classes that have clips. mmaction2's ``mean_class_accuracy``
    (``acc/mean1``) is lower where a class is predicted that has none: it counts that class as 0.

    Args:
        class_names: File with the name of each class, see :func:`~mmvidext.datasets.class_names.read_class_names`. None
            takes those of the data set, or numbers the classes.
        table: Log a table of all classes.
        picture: Where to write the confusion matrix as a PNG. None writes none.
        **kwargs: ``collect_device`` and ``prefix`` of mmengine's ``BaseMetric``.

    Attributes:
        matrix: Counts ``(classes, predictions)`` of the last evaluation, see :func:`draw_confusion_matrix`.
        names: Name of each prediction.

    Raises:
        FileNotFoundError: If ``class_names`` does not exist.
        ValueError: If it is empty, no regular file, no text in UTF-8 or JSON of something else.
    """

    default_prefix = 'report'

    def __init__(
        self, class_names: str | None = None, *, table: bool = True, picture: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.class_names = read_class_names(Path(class_names)) if class_names else None
        self.table = table
        self.picture = picture
        self.matrix: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self.names: list[str] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Collect label and prediction of each clip.

        Raises:
            ValueError: If a clip has no label or several, or the number of names is not the number of classes.
        """
        for sample in data_samples:
            name = sample_name(sample, 'a clip')
            if sample['gt_label'].numel() != 1:
                raise ValueError(
                    f'{name} has a gt_label of {sample["gt_label"].numel()} numbers, but '
                    'ClassificationReport is for clips of one class: leave it out of the evaluators'
                )
            label, scores = int(sample['gt_label']), sample['pred_score']
            if not 0 <= label < len(scores):
                raise ValueError(
                    f'{name} has the label {label}, but the model has {len(scores)} classes; -1 stands where a list '
                    'has no label, and then there is nothing to report'
                )
            if self.class_names is not None and len(self.class_names) != len(scores):
                raise ValueError(
                    f'the model has {len(scores)} classes, but there are {len(self.class_names)} class names'
                )
            # scores that are not finite predict no class: the column behind the last
            prediction = int(scores.argmax()) if scores.isfinite().all() else len(scores)
            self.results.append((label, prediction, len(scores)))

    def compute_metrics(self, results: list[tuple[int, int, int]]) -> dict[str, float]:
        """Return the mean of the class accuracies; log the table and write the picture.

        Raises:
            ValueError: If there is no clip.
        """
        check_any(results, self, 'clip')
        num_classes = results[0][2]
        names = self.class_names or list((self.dataset_meta or {}).get('classes') or ())
        if len(names) != num_classes:
            names = [str(index) for index in range(num_classes)]
        if any(prediction == num_classes for _, prediction, _ in results):
            names = [*names, 'no finite score']
        matrix = np.zeros((num_classes, len(names)), dtype=np.int64)
        for label, prediction, _ in results:
            matrix[label, prediction] += 1
        if self.table:
            print_log('\n' + _format_table(matrix, names), logger='current')
        self.matrix, self.names = matrix, names
        if self.picture:
            draw_confusion_matrix(matrix, names, self.picture)
            print_log(f'confusion matrix: {self.picture}', logger='current')
        seen = matrix.sum(1) > 0
        if not seen.all():
            print_log(
                f'{(~seen).sum()} of {num_classes} classes have no clip: mean_class_accuracy leaves them out, while '
                'acc/mean1 of mmaction2 counts those of them as 0 that are predicted',
                logger='current',
            )
        return {'mean_class_accuracy': float((matrix.diagonal()[seen] / matrix.sum(1)[seen]).mean())}


def _format_table(matrix: np.ndarray, names: list[str]) -> str:
    table = PrettyTable(['class', 'clips', 'correct', 'accuracy', 'most often taken for'])
    names = [printable(name) for name in names]
    table.align.update({'class': 'l', 'most often taken for': 'l'})
    for index, row in enumerate(matrix):
        wrong = np.where(np.arange(len(row)) == index, 0, row)
        mistaken = f'{names[wrong.argmax()]} ({wrong.max()})' if wrong.any() else ''
        accuracy = f'{row[index] / row.sum():.1%}' if row.sum() else ''
        table.add_row([names[index], row.sum(), row[index], accuracy, mistaken])
    return table.get_string()


def draw_confusion_matrix(matrix: np.ndarray, names: list[str], path: str | Path) -> None:
    """Draw a confusion matrix.

    Args:
        matrix: Counts ``(classes, predictions)``, rows: labels, columns: predictions, which may be one more.
        names: Name of each prediction; the first are those of the classes.
        path: PNG file to write.

    Raises:
        OSError: If it cannot be written.
    """
    from mmvidext.drawing.figures import figure_names, new_figure

    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    labeled = len(names) <= _MOST_LABELED
    side = 2.5 + 0.5 * len(names) if labeled else 12
    texts, style, room = figure_names(names if labeled else [], 10, 3)
    figure = new_figure(side + 2 + room, side + room)
    axes = figure.add_subplot(xlabel='prediction', ylabel='label')
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    figure.colorbar(image, label='share of the clips of a class', shrink=0.8)
    if labeled:
        axes.set_xticks(range(len(texts)), texts, rotation=45, ha='right', **style)
        axes.set_yticks(range(len(matrix)), texts[: len(matrix)], **style)
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                color = 'white' if shares[row, column] > 0.5 else 'black'
                axes.text(column, row, str(count), ha='center', va='center', color=color)
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, dpi=100)
