"""``mmvidext data folder``: from one's own videos to lists, a report and a config that is ready to train."""

from pathlib import Path

import click

from mmvidext.cli.data.folder_options import check_arguments, folder_options, tell
from mmvidext.cli.options import FILE, PATH, one_line_errors
from mmvidext.cli.ready_config import DEFAULT_MODELS, recognition_config
from mmvidext.cli.unused_options import refuse_unused
from mmvidext.datasets.class_names import read_class_names
from mmvidext.datasets.own_data.annotations import read_annotations
from mmvidext.datasets.own_data.class_folders import read_class_folders
from mmvidext.datasets.own_data.preparation import CLASSES_FILE, list_file, prepare_videos
from mmvidext.datasets.own_data.report import describe_videos

__all__ = ['folder']


@click.command()
@folder_options('each class')
@click.option(
    '--annotations',
    multiple=True,
    type=PATH,
    help='List or table of videos and classes, can be repeated; or the folder with the splits of UCF101 or HMDB51. '
    'Without it, DIR holds a folder for each class.',
)
@click.option(
    '--classes',
    type=FILE,
    help='Names of the classes of --annotations, one a line, in the order of their numbers.',
)
@click.option(
    '--split-number', type=click.IntRange(1, 3), default=1, show_default=True, help='Which split of UCF101 or HMDB51.'
)
@click.option(
    '--allow-outside',
    is_flag=True,
    help='Accept paths of --annotations that lead out of DIR: absolute ones, and those with "..".',
)
@click.option(
    '--recordings',
    metavar='EXPRESSION',
    help='Regular expression for the beginning of file names: clips whose first group is equal are of one recording, '
    'for example "(day\\d+)".  [default: known names, or each file]',
)
@click.option(
    '--model', default=DEFAULT_MODELS['recognition'], show_default=True, help='Recipe whose config is written.'
)
def folder(
    root: Path,
    out: Path | None,
    annotations: tuple[Path, ...],
    classes: Path | None,
    split_number: int,
    allow_outside: bool,
    recordings: str | None,
    ratio: float,
    seed: int,
    model: str,
    workers: int,
) -> None:
    """Prepare your own videos for training: DIR holds a folder for each class, or videos and a list.

    Opens every video (any container, any name; or folders of pictures), leaves out what cannot be read, divides each
    class into training and validation by recording, and writes train.txt, val.txt, classes.txt, report.md and the
    config MODEL.py. A second run checks only what is new or has changed. With --annotations, the forms of UCF101,
    HMDB51, Kinetics and Jester, tables (CSV with path, label and perhaps split, recording) and plain lists are
    recognized.

    Example: mmvidext data folder videos
    """
    out = out or root
    if not annotations:
        refuse_unused('is for --annotations: give both', 'classes', 'allow_outside')
    if not any(path.is_dir() for path in annotations):
        refuse_unused('is for --annotations with the folder of UCF101 or HMDB51', 'split_number')
    with one_line_errors():
        check_arguments(root, out, model, 'recognition')
        if annotations:
            names = read_class_names(classes) if classes else ()
            listing = read_annotations(
                root, annotations, classes=names, split_number=split_number, allow_outside=allow_outside
            )
        else:
            listing = read_class_folders(root)
        result = prepare_videos(listing, out, recordings=recordings, ratio=ratio, seed=seed, workers=workers)
        config = recognition_config(result, out, model)
        written = [*(list_file(out, split).name for split in result.splits), CLASSES_FILE]
        tell(out, describe_videos(result), config, written)
