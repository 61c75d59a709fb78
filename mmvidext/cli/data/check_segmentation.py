"""``mmvidext data check-segmentation``: check the layout of a video segmentation data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from mmengine.registry import init_default_scope

from mmvidext.cli.data.checking import all_option, read_samples, report
from mmvidext.datasets.camvid_video import CamVidVideoDataset
from mmvidext.datasets.cityscapes_video import CityscapesVideoDataset
from mmvidext.datasets.transforms.clip_loading import LoadClip, LoadClipAnnotations, SampleKeyFrame
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


OPEN: dict[str, Callable[[Path, str], VideoSegDataset]] = {
    'camvid': open_camvid,
    'cityscapes': open_cityscapes,
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


def check_samples(dataset: VideoSegDataset, *, every_file: bool) -> list[str]:
    """Read labeled frames with their key frame and label; return what is wrong."""
    steps: tuple[Callable[[dict[str, Any]], Any], ...] = (
        SampleKeyFrame(DISTANCE, clamp=True),
        LoadClip(),
        LoadClipAnnotations(),
    )

    def read(index: int) -> None:
        results = dataset.get_data_info(index)
        for step in steps:
            results = step(results)

    return read_samples(read, len(dataset), every_file=every_file)


def find_problems(name: str, root: Path, *, every_file: bool = False) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    init_default_scope('mmseg')
    problems = []
    for split in ('train', 'val'):
        try:
            dataset = OPEN[name](root, split)
        except (FileNotFoundError, ValueError) as error:
            problems.append(f'{split}: {error}')
            continue
        click.echo(f'{split}: {len(dataset)} labeled frames in {len(dataset.snippets)} snippets')
        problems += [f'{split}: {problem}' for problem in check_samples(dataset, every_file=every_file)]
    return problems


@click.command()
@click.argument('dataset', type=click.Choice(sorted(HINTS)))
@click.argument('root', type=click.Path(path_type=Path))
@all_option
def check_segmentation(dataset: str, root: Path, every_file: bool) -> None:
    """Check the layout of a video segmentation data set in ROOT, and say what is missing and where to get it.

    By default the first and last labeled frame of each part are read, with the frame nine before it.

    Example: mmvidext data check-segmentation cityscapes data/cityscapes --all
    """
    report(find_problems(dataset, root, every_file=every_file), HINTS[dataset])
