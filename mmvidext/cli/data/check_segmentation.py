"""``mmvidext data check-segmentation``: check the layout of a video segmentation data set."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from mmengine.registry import DATASETS, init_default_scope

from mmvidext.cli.config import load_config
from mmvidext.cli.data.checking import all_option, read_samples, report
from mmvidext.cli.options import PATH, one_line_errors
from mmvidext.datasets.camvid_video import CamVidVideoDataset
from mmvidext.datasets.cityscapes_video import CityscapesVideoDataset
from mmvidext.datasets.transforms import LoadClip, LoadClipAnnotations, SampleKeyFrame
from mmvidext.datasets.video_folders import VideoFolderSegDataset
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from mmvidext.datasets.vspw import VSPWDataset

__all__ = ['check_segmentation', 'find_problems']

DISTANCE = 9


def open_cityscapes(root: Path, split: str) -> VideoSegDataset:
    """Open a part of Cityscapes."""
    prefix = dict(img_path=f'leftImg8bit_sequence/{split}', seg_map_path=f'gtFine/{split}')
    return CityscapesVideoDataset(data_root=str(root), data_prefix=prefix)


def open_vspw(root: Path, split: str) -> VideoSegDataset:
    """Open a part of VSPW."""
    return VSPWDataset(str(root), ann_file=f'{split}.txt')


def open_camvid(root: Path, split: str) -> VideoSegDataset:
    """Open a part of CamVid."""
    return CamVidVideoDataset(data_root=str(root), data_prefix=dict(img_path='frames', seg_map_path=f'labels/{split}'))


def open_video_folders(root: Path, split: str) -> VideoSegDataset:
    """Open a part of one's own data, or all of it if it has no parts; any value of a label is a class."""
    frames = root / 'frames' / split
    suffixes = [path.suffix for path in sorted(frames.glob('*/*')) if path.suffix in ('.jpg', '.jpeg', '.png')]
    return VideoFolderSegDataset(
        data_root=str(root),
        data_prefix=dict(img_path=f'frames/{split}', seg_map_path=f'labels/{split}'),
        img_suffix=suffixes[0] if suffixes else '.jpg',
        with_labels=(root / 'labels' / split).is_dir(),
        metainfo=dict(classes=[str(value) for value in range(255)]),
    )


OPEN: dict[str, Callable[[Path, str], VideoSegDataset]] = {
    'camvid': open_camvid,
    'cityscapes': open_cityscapes,
    'video-folders': open_video_folders,
    'vspw': open_vspw,
}
HINTS = {
    'camvid': 'http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid; extract every frame of the videos with the '
    "names of the labeled ones into frames/<sequence>/, and write the labels' class numbers to labels/<split>/",
    'cityscapes': 'leftImg8bit_sequence_trainvaltest.zip and gtFine_trainvaltest.zip: '
    'https://www.cityscapes-dataset.com; make the *_labelTrainIds.png with cityscapesScripts '
    '(csCreateTrainIdLabelImgs)',
    'vspw': 'VSPW_480p: https://www.vspwdataset.com',
}
LAYOUT = 'expected: frames/[SPLIT/]VIDEO/*.jpg (or .png), labels/[SPLIT/]VIDEO/*.png, named as the frames'


def open_parts(name: str, root: Path | None) -> Mapping[str, Callable[[], Any]]:
    """Return how to open each part of a data set.

    Args:
        name: One of :data:`OPEN`, or a config.
        root: The folder of the data set. None takes that of the config.

    Raises:
        ValueError: If the name needs a root, or the config cannot be read or names no data set.
    """
    if name in OPEN:
        if root is None:
            raise ValueError(f'{name} needs ROOT, the folder of the data set')
        splits = ['train', 'val']
        if name == 'video-folders':
            splits = [split for split in (*splits, 'test') if next(root.glob(f'frames/{split}/*/'), None)] or ['']
        return {split or 'all': partial(OPEN[name], root, split) for split in splits}
    config = load_config(name)
    moved = {} if root is None else {'data_root': str(root)}
    loaders = {split: config.get(f'{split}_dataloader') for split in ('train', 'val', 'test')}
    parts = {
        split: partial(DATASETS.build, {**loader.dataset, 'pipeline': [], **moved})
        for split, loader in loaders.items()
        if loader and 'dataset' in loader
    }
    if not parts:
        raise ValueError(f'{name} is none of {", ".join(OPEN)}, and no config with a dataloader')
    return parts


def check_samples(dataset: VideoSegDataset, *, every_file: bool) -> tuple[list[str], list[int]]:
    """Read labeled frames with their key frame and label; return what is wrong, and the values of the labels."""
    steps: tuple[Callable[[dict[str, Any]], Any], ...] = (
        SampleKeyFrame(DISTANCE, clamp=True),
        LoadClip(),
        LoadClipAnnotations(),
    )
    values = set[int]()

    def read(index: int) -> None:
        results = dataset.get_data_info(index)
        for step in steps:
            results = step(results)
        values.update(np.unique(results.get('gt_seg_map', ())).tolist())

    return read_samples(read, len(dataset), every_file=every_file), sorted(values)


def find_problems(name: str, root: Path | None = None, *, every_file: bool = False) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete.

    Raises:
        ValueError: See :func:`open_parts`.
    """
    init_default_scope('mmseg')
    if root is not None and not root.is_dir():
        return [f'there is no folder {root}']
    problems = []
    for split, open_part in open_parts(name, root).items():
        try:
            dataset = open_part()
            if not isinstance(dataset, VideoSegDataset):
                raise TypeError(f'{type(dataset).__name__} is no video segmentation data set')
        except (OSError, ValueError, TypeError, KeyError) as error:
            problems.append(f'{split}: {error}')
            continue
        click.echo(f'{split}: {len(dataset)} labeled frames in {len(dataset.snippets)} snippets')
        found, values = check_samples(dataset, every_file=every_file)
        problems += [f'{split}: {problem}' for problem in found]
        if name == 'video-folders':
            click.echo(f'{split}: the labels that were read hold the values {", ".join(map(str, values)) or "none"}')
    return problems


@click.command()
@click.argument('dataset', metavar=f'[{"|".join(OPEN)}|CONFIG]')
@click.argument('root', type=PATH, required=False)
@all_option
def check_segmentation(dataset: str, root: Path | None, every_file: bool) -> None:
    """Check the layout of a video segmentation data set in ROOT, and say what is missing and where to get it.

    By default the first and last labeled frame of each part are read, with the frame nine before it. video-folders is
    one's own data, whatever its classes: the values of its labels are printed. With a CONFIG the data sets that it
    names are checked, with its classes and label map; ROOT takes the place of their data_root.

    Example: mmvidext data check-segmentation cityscapes data/cityscapes --all
    """
    with one_line_errors():
        problems = find_problems(dataset, root, every_file=every_file)
    report(problems, f'to download: {HINTS[dataset]}' if dataset in HINTS else LAYOUT)
