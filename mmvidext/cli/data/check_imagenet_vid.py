"""``mmvidext data check-imagenet-vid``: check the layout of ImageNet VID and DET."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from mmvidext.cli.data.checking import all_option, read_samples, report
from mmvidext.cli.options import PATH
from mmvidext.datasets.imagenet_vid import ImageNetVIDDataset
from mmvidext.datasets.imagenet_vid_classes import VID_CLASSES
from mmvidext.datasets.media.images import read_image
from mmvidext.datasets.vid_annotation import VIDObject, read_vid_annotation

__all__ = ['check_imagenet_vid', 'find_problems']

LISTS = {
    'DET_train_30classes.txt': 'image_list',
    'VID_train_15frames.txt': 'frame_list',
    'VID_val_videos.txt': 'video_list',
}
OPTIONAL = ('DET_train_30classes.txt',)
HINT = (
    'to download: ILSVRC2015_VID.tar.gz and ILSVRC2017_DET.tar.gz from https://image-net.org; the lists: '
    'https://github.com/msracver/Deep-Feature-Flow/tree/master/data/ILSVRC2015/ImageSets'
)


def find_problems(root: Path, *, every_file: bool, say: Callable[[str], None] = click.echo) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete.

    Args:
        root: The folder that holds ``Data``, ``Annotations`` and ``ImageSets``.
        every_file: Read every listed frame, not the first and the last of each list.
        say: Told how many frames there are, and what is skipped.
    """
    if not root.is_dir():
        return [f'there is no folder {root}']
    problems = []
    for name, argument in LISTS.items():
        if name in OPTIONAL and not (root / 'ImageSets' / name).exists():
            say(f'{name}: not there, which only training as in the papers needs')
            continue
        try:
            lists: dict[str, Any] = {argument: name}
            dataset = ImageNetVIDDataset(str(root), test_mode=True, **lists)
        except (OSError, ValueError) as error:
            problems.append(str(error))
            continue
        say(f'{name}: {len(dataset)} frames of {len(_videos(dataset))} {"images" if "DET" in name else "videos"}')
        problems += read_samples(partial(_read, dataset, say), len(dataset), every_file=every_file)
    return problems


def _videos(dataset: ImageNetVIDDataset) -> set[int]:
    return {dataset.get_data_info(index)['video_id'] for index in range(len(dataset))}


def _read(dataset: ImageNetVIDDataset, say: Callable[[str], None], index: int) -> None:
    sample = dataset.get_data_info(index)
    size = _height_and_width(sample)
    annotation = read_vid_annotation(sample['ann_path'])
    if annotation.size != size:
        raise ValueError(f'{sample["ann_path"]} is of a frame of {annotation.size}, but {sample["img_path"]} is {size}')
    for what in _skipped(annotation.objects, size, sample['part']):
        say(f'skipped: {sample["ann_path"]}: {what}')


def _height_and_width(sample: dict[str, Any]) -> tuple[int, int]:
    try:
        height, width = read_image(sample['img_path']).shape[:2]
    except (OSError, ValueError) as error:
        raise type(error)(f'{error}; it is listed in {sample["where"]}') from error
    return height, width


def _skipped(objects: Sequence[VIDObject], size: tuple[int, int], part: str) -> list[str]:
    """Say which objects the data set leaves out, and why."""
    height, width = size
    found = []
    for item in objects:
        if item.is_outside(size):
            found.append(f'the box {item.box} is outside of the picture of {width}x{height}')
        if part == 'VID' and item.wordnet_id not in VID_CLASSES.values():
            found.append(f'the class {item.wordnet_id} is none of ImageNet VID')
    return found


@click.command()
@click.argument('root', type=PATH)
@all_option
def check_imagenet_vid(root: Path, every_file: bool) -> None:
    """Check the layout of ImageNet VID in ROOT, and say what is missing and where to get it.

    ROOT holds Data, Annotations and ImageSets. By default the first and last frame of each list are read, with its
    annotation. Objects that are left out are named.

    Example: mmvidext data check-imagenet-vid data/ILSVRC2015 --all
    """
    report(find_problems(root, every_file=every_file), HINT)
