"""``mmvidext data segmentation``: from one's own frames and labels to a config that is ready to train."""

from collections.abc import Sequence
from pathlib import Path

import click

from mmvidext.cli.data.folder_options import check_arguments, folder_options, tell
from mmvidext.cli.options import FILE, one_line_errors
from mmvidext.cli.ready_config import DEFAULT_MODELS, segmentation_config
from mmvidext.datasets.class_names import read_class_names
from mmvidext.datasets.own_data.report import describe_folders
from mmvidext.datasets.own_data.video_folders import IGNORED, prepare_folders

__all__ = ['label_classes', 'segmentation']


def label_classes(values: Sequence[int], names: Sequence[str]) -> tuple[list[str], dict[int, int]]:
    """Return the names of the classes, and which value is which class; empty where the values are the classes.

    Args:
        values: Values in the label files, ascending. 255 is ignored, but 0 and 255 alone are a mask of two classes.
        names: Of the classes; may be empty.

    Raises:
        ValueError: If there are fewer than two values to tell apart, or neither as many names as values, nor enough for
            the greatest value.
    """
    found = list(values)
    if found != [0, IGNORED]:
        values = [value for value in found if value != IGNORED]
    if len(values) < 2:
        raise ValueError(
            f'the label files hold only {", ".join(map(str, found))} ({IGNORED} is ignored): there is nothing to tell '
            'apart; each pixel needs the number of its class'
        )
    if names and values[-1] < len(names):
        return list(names), {}
    if names and len(names) != len(values):
        raise ValueError(
            f'--classes names {len(names)} classes, but the label files hold {len(values)} values: {list(values)} '
            f'({IGNORED} is ignored); name one for each, in this order'
        )
    label_map = {} if list(values) == list(range(len(values))) else {value: n for n, value in enumerate(values)}
    return list(names) or [f'value {value}' for value in values], label_map


@click.command()
@folder_options('the videos')
@click.option(
    '--classes',
    type=FILE,
    help='Names of the classes, one a line, in the order of the values in the label files.',
)
@click.option(
    '--model', default=DEFAULT_MODELS['segmentation'], show_default=True, help='Recipe whose config is written.'
)
def segmentation(
    root: Path, out: Path | None, ratio: float, seed: int, workers: int, classes: Path | None, model: str
) -> None:
    """Prepare your own videos for segmentation: DIR holds frames/VIDEO/* and labels/VIDEO/*.

    A label file has the name of its frame, one channel of 8 bits (gray or palette), and the number of a class for each
    pixel; 255 is ignored, except in masks of 0 and 255. Not every frame needs one. Opens every file, leaves out the
    videos with a wrong one, divides the others into training and validation, and writes train.txt, val.txt, report.md
    and the config MODEL.py. frames/train/VIDEO and frames/val/VIDEO are a split that is kept. A second run checks only
    what is new or has changed.

    Example: mmvidext data segmentation street_videos
    """
    out = out or root
    with one_line_errors():
        check_arguments(root, out, model, 'segmentation')
        result = prepare_folders(root, 'labels', out, ratio=ratio, seed=seed, workers=workers)
        names, label_map = label_classes(sorted(result.values()), read_class_names(classes) if classes else ())
        config = segmentation_config(result, root, out, model, names, label_map)
        tell(out, describe_folders(root, result, names, label_map), config, ['train.txt', 'val.txt'])
