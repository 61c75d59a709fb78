"""Check the layout of a video segmentation data set, and say what is missing and where to get it.

    python tools/data/check_video_seg_data.py cityscapes data/cityscapes
    python tools/data/check_video_seg_data.py vspw data/VSPW_480p
    python tools/data/check_video_seg_data.py camvid data/camvid

By default the first and last labelled frame of each part are read, with the frame nine before it; --all reads every
one.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmengine.registry import init_default_scope

from mmvidext.datasets import CamVidVideoDataset, CityscapesVideoDataset, VSPWDataset
from mmvidext.datasets.transforms import LoadClip, LoadClipAnnotations, SampleKeyFrame
from mmvidext.datasets.video_seg_dataset import VideoSegDataset

DISTANCE = 9


def open_cityscapes(root: Path, split: str) -> VideoSegDataset:
    prefix = dict(img_path=f'leftImg8bit_sequence/{split}', seg_map_path=f'gtFine/{split}')
    return CityscapesVideoDataset(data_root=str(root), data_prefix=prefix)


def open_vspw(root: Path, split: str) -> VideoSegDataset:
    return VSPWDataset(str(root), ann_file=f'{split}.txt')


def open_camvid(root: Path, split: str) -> VideoSegDataset:
    return CamVidVideoDataset(data_root=str(root), data_prefix=dict(img_path='frames', seg_map_path=f'labels/{split}'))


OPEN: dict[str, Callable[[Path, str], VideoSegDataset]] = {
    'camvid': open_camvid,
    'cityscapes': open_cityscapes,
    'vspw': open_vspw,
}
HINTS = {
    'camvid': 'http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid; extract every frame of the videos with the '
    "names of the labelled ones into frames/<sequence>/, and write the labels' class numbers to labels/<split>/",
    'cityscapes': 'leftImg8bit_sequence_trainvaltest.zip and gtFine_trainvaltest.zip: '
    'https://www.cityscapes-dataset.com; make the *_labelTrainIds.png with cityscapesScripts '
    '(csCreateTrainIdLabelImgs)',
    'vspw': 'VSPW_480p: https://www.vspwdataset.com',
}


def check_samples(dataset: VideoSegDataset, *, every_file: bool) -> list[str]:
    """Read labelled frames with their key frame and label; return what is wrong."""
    steps = [SampleKeyFrame(DISTANCE, clamp=True), LoadClip(), LoadClipAnnotations()]
    last = len(dataset) - 1
    indices = range(len(dataset)) if every_file else sorted({0, last})
    problems = []
    for position, index in enumerate(indices, start=1):
        results = dataset.get_data_info(index)
        try:
            for step in steps:
                results = step(results)
        except (FileNotFoundError, ValueError) as error:
            problems.append(str(error))
        if len(indices) > 100 and (position % 100 == 0 or position == len(indices)):
            print(f'\r{position}/{len(indices)}', end='' if position < len(indices) else '\n', flush=True)
    return problems


def check(name: str, root: Path, *, every_file: bool = False) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    init_default_scope('mmseg')
    problems = []
    for split in ('train', 'val'):
        try:
            dataset = OPEN[name](root, split)
        except (FileNotFoundError, ValueError) as error:
            problems.append(f'{split}: {error}')
            continue
        print(f'{split}: {len(dataset)} labelled frames in {len(dataset.snippets)} snippets')
        problems += [f'{split}: {problem}' for problem in check_samples(dataset, every_file=every_file)]
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=sorted(OPEN))
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument('--all', action='store_true', help='read every labelled frame')
    args = parser.parse_args()
    problems = check(args.dataset, args.root, every_file=args.all)
    for problem in problems:
        print(f'wrong: {problem}')
    if problems:
        print(f'to download: {HINTS[args.dataset]}')
        sys.exit(1)
    print('complete')


if __name__ == '__main__':
    main()
