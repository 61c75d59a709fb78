"""``mmvidext data check-flow``: check the layout of a data set of optical flow."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from mmengine.dataset import BaseDataset

from mmvidext.cli.data.checking import all_option, read_samples, report
from mmvidext.cli.options import PATH
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.flying_things3d import FlyingThings3DDataset
from mmvidext.datasets.kitti_flow import HD1KDataset, KITTIFlowDataset
from mmvidext.datasets.sintel import SintelDataset
from mmvidext.datasets.transforms import LoadFlowPair

__all__ = ['check_flow']

PARTS: dict[str, dict[str, Callable[[str], BaseDataset]]] = {
    'flying-chairs': {split: partial(FlyingChairsDataset, split=split) for split in ('train', 'val')},
    'flying-things3d': {
        f'{split} {name}': partial(FlyingThings3DDataset, split=split, passes=name)
        for split in ('TRAIN', 'TEST')
        for name in ('clean', 'final')
    },
    'hd1k': {'all': HD1KDataset},
    **{
        f'kitti-{year}': {split: partial(KITTIFlowDataset, year=year, split=split) for split in ('training', 'testing')}
        for year in ('2012', '2015')
    },
    'sintel': {
        'clean': partial(SintelDataset, passes='clean'),
        'final': partial(SintelDataset, passes='final'),
        'test': partial(SintelDataset, split='test'),
    },
}
WITHOUT_FLOW = ('test', 'testing')  # folders that only a submission needs
HINTS = {
    'flying-chairs': 'FlyingChairs.zip and FlyingChairs_train_val.txt: '
    'https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html',
    'flying-things3d': 'RGB images (clean and final pass) and optical flow: '
    'https://lmb.informatik.uni-freiburg.de/resources/datasets/SceneFlowDatasets.en.html',
    'hd1k': 'hd1k_input.zip and hd1k_flow_gt.zip: http://hci-benchmark.iwr.uni-heidelberg.de',
    'kitti-2012': 'data_stereo_flow.zip: https://www.cvlibs.net/datasets/kitti/eval_stereo_flow.php?benchmark=flow',
    'kitti-2015': 'data_scene_flow.zip: https://www.cvlibs.net/datasets/kitti/eval_scene_flow.php?benchmark=flow',
    'sintel': 'MPI-Sintel-complete.zip: http://sintel.is.tue.mpg.de/downloads',
}


def _read_pair(dataset: BaseDataset, index: int) -> object:
    return LoadFlowPair()(dataset.get_data_info(index))


def find_problems(name: str, root: Path, *, every_file: bool) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    if not root.is_dir():
        return [f'there is no folder {root}']
    problems = []
    for part, open_part in PARTS[name].items():
        if part in WITHOUT_FLOW and not (root / part).is_dir():
            continue
        try:
            dataset = open_part(str(root))
        except (FileNotFoundError, ValueError) as error:
            problems.append(f'{part}: {error}')
            continue
        click.echo(f'{part}: {len(dataset)} pairs')
        problems += read_samples(partial(_read_pair, dataset), len(dataset), every_file=every_file)
    return problems


@click.command()
@click.argument('dataset', type=click.Choice(sorted(PARTS)))
@click.argument('root', type=PATH)
@all_option
def check_flow(dataset: str, root: Path, every_file: bool) -> None:
    """Check the layout of a data set of optical flow in ROOT, and say what is missing and where to get it.

    By default the first and last pair of each part are read. The parts without flow (the test split of Sintel and
    KITTI) are checked where they are there.

    Example: mmvidext data check-flow sintel data/Sintel --all
    """
    report(find_problems(dataset, root, every_file=every_file), f'to download: {HINTS[dataset]}')
