"""Check the layout of FlyingChairs or Sintel, and say what is missing and where to get it.

    python tools/data/check_flow_data.py flying-chairs data/FlyingChairs_release
    python tools/data/check_flow_data.py sintel data/Sintel

By default the first and last pair of each part are read; --all reads every file.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmengine.dataset import BaseDataset

from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.sintel import SintelDataset
from mmvidext.datasets.transforms import LoadFlowPair

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


def check_pairs(dataset: BaseDataset, indices: Sequence[int]) -> list[str]:
    """Read pairs and return what is wrong with them."""
    load = LoadFlowPair()
    problems = []
    for position, index in enumerate(indices, start=1):
        try:
            load(dataset.get_data_info(index))
        except (FileNotFoundError, ValueError) as error:
            problems.append(str(error))
        if len(indices) > 100 and (position % 100 == 0 or position == len(indices)):
            print(f'\r{position}/{len(indices)}', end='' if position < len(indices) else '\n', flush=True)
    return problems


def check(name: str, root: Path, *, every_file: bool) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    try:
        parts = open_parts(name, root)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    problems = []
    for part, dataset in parts.items():
        print(f'{part}: {len(dataset)} pairs')
        last = len(dataset) - 1
        problems += check_pairs(dataset, range(len(dataset)) if every_file else sorted({0, last}))
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=sorted(HINTS))
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument('--all', action='store_true', help='read every file')
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
