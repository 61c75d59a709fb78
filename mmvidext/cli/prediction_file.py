"""Write the predictions for videos to a JSON or CSV file."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvidext.apis.video_recognizer import VideoPrediction, best_classes
from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.printable import printable

__all__ = ['BYTE_ORDER_MARK', 'cell_of_name', 'write_predictions']

BYTE_ORDER_MARK = '\ufeff'  # tells Excel that a CSV is UTF-8


def write_predictions(
    path: Path, model: str, predictions: Mapping[str, VideoPrediction], problems: Mapping[str, str], *, top: int = 5
) -> None:
    """Write one file for all videos.

    ``.csv``: a line for each video: its path, the best classes with their probabilities, and what was wrong with it. A
    byte order mark comes first, without which Excel does not read it as UTF-8; read it with ``encoding='utf-8-sig'``.
    Names of classes are as :func:`cell_of_name` has them.
    ``.json``: the same, with the probabilities of all classes, and of the windows while it ran.

    Args:
        path: The file.
        model: What made the predictions.
        predictions: By the path of the video.
        problems: Why a video has none, or one for its beginning only.
        top: How many classes, at most as many as the model has.

    Raises:
        OSError: If it cannot be written.
    """
    text = _csv(predictions, problems, top) if path.suffix == '.csv' else _json(model, predictions, problems, top)
    atomic_write_text(path, text)


def cell_of_name(name: str) -> str:
    """Return the name of a class for a CSV: what is not printable as escapes, and no formula.

    A table program calculates what begins with ``=``, ``+``, ``-`` or ``@``, unless an apostrophe comes first.
    """
    return ("'" if name.startswith(('=', '+', '-', '@')) else '') + printable(name)


def _csv(predictions: Mapping[str, VideoPrediction], problems: Mapping[str, str], top: int) -> str:
    file = io.StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file, lineterminator='\n')
    pairs = [(f'class_{number}', f'probability_{number}') for number in range(1, top + 1)]
    writer.writerow(['video', *(name for pair in pairs for name in pair), 'problem'])
    for video, prediction in predictions.items():
        cells: list[object] = [
            cell for name, value in prediction.top(top) for cell in (cell_of_name(name), f'{value:.6g}')
        ]
        writer.writerow([video, *cells, problems.get(video, '')])
    for video, problem in problems.items():
        if video not in predictions:
            writer.writerow([video, *[''] * (2 * top), problem])
    return file.getvalue()


def _json(model: str, predictions: Mapping[str, VideoPrediction], problems: Mapping[str, str], top: int) -> str:
    def best(pairs: Sequence[tuple[str, float]]) -> list[dict[str, object]]:
        return [{'class': name, 'probability': round(value, 6)} for name, value in pairs]

    videos: list[dict[str, object]] = [
        {
            'video': video,
            'num_frames': one.num_frames,
            'top': best(one.top(top)),
            'probabilities': [round(float(value), 6) for value in one.probabilities],
            'windows': [
                {
                    'begin': round(window.begin, 3),
                    'end': round(window.end, 3),
                    'top': best(best_classes(window.probabilities, one.classes, top)),
                }
                for window in one.windows
            ],
            **({'problem': problems[video]} if video in problems else {}),
        }
        for video, one in predictions.items()
    ]
    videos += [{'video': video, 'problem': problem} for video, problem in problems.items() if video not in predictions]
    classes = next((one.classes for one in predictions.values()), [])
    content = {'model': model, 'classes': classes, 'videos': videos}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + '\n'
