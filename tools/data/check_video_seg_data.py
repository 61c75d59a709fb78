"""Check the layout of a video segmentation data set, and say what is missing and where to get it.

    python tools/data/check_video_seg_data.py cityscapes data/cityscapes
    python tools/data/check_video_seg_data.py vspw data/VSPW_480p
    python tools/data/check_video_seg_data.py camvid data/camvid

By default the first and last labelled frame of each part are read, with the frame nine before it; --all reads every
one.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmengine.registry import init_default_scope

from mmvidext.datasets import CamVidVideoDataset, CityscapesVideoDataset, VSPWDataset
from mmvidext.datasets.transforms import LoadClip, LoadClipAnnotations, SampleKeyFrame
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from tools.data.checking import build_parser, read_samples, report

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

    def read(index: int) -> None:
        results = dataset.get_data_info(index)
        for step in steps:
            results = step(results)

    return read_samples(read, len(dataset), every_one=every_file)


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
    args = build_parser(__doc__, OPEN).parse_args()
    report(check(args.dataset, args.root, every_file=args.all), HINTS[args.dataset])


if __name__ == '__main__':
    main()
