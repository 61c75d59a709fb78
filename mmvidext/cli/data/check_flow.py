"""``mmvidext data check-flow``: check the layout of FlyingChairs or Sintel."""

from functools import partial
from pathlib import Path

import click
from mmengine.dataset import BaseDataset

from mmvidext.cli.data.checking import all_option, read_samples, report
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.sintel import SintelDataset
from mmvidext.datasets.transforms import LoadFlowPair

__all__ = ['check_flow']

HINTS = {
    'flying-chairs': 'FlyingChairs.zip and FlyingChairs_train_val.txt: '
    'https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html',
    'sintel': 'MPI-Sintel-complete.zip: http://sintel.is.tue.mpg.de/downloads',
}


def open_parts(name: str, root: Path) -> dict[str, BaseDataset]:
    """Return the parts of a data set; raises as the data set does when the layout is wrong."""
    if name == 'flying-chairs':
        return {split: FlyingChairsDataset(str(root), split=split) for split in ('train', 'val')}
    return {name: SintelDataset(str(root), passes=name) for name in ('clean', 'final')}


def _read_pair(dataset: BaseDataset, index: int) -> object:
    return LoadFlowPair()(dataset.get_data_info(index))


def find_problems(name: str, root: Path, *, every_file: bool) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    try:
        parts = open_parts(name, root)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    problems = []
    for part, dataset in parts.items():
        click.echo(f'{part}: {len(dataset)} pairs')
        problems += read_samples(partial(_read_pair, dataset), len(dataset), every_file=every_file)
    return problems


@click.command()
@click.argument('dataset', type=click.Choice(sorted(HINTS)))
@click.argument('root', type=click.Path(path_type=Path))
@all_option
def check_flow(dataset: str, root: Path, every_file: bool) -> None:
    """Check the layout of a data set of optical flow in ROOT, and say what is missing and where to get it.

    By default the first and last pair of each part are read.

    Example: mmvidext data check-flow sintel data/Sintel --all
    """
    report(find_problems(dataset, root, every_file=every_file), HINTS[dataset])
