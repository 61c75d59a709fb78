"""Check the layout of FlyingChairs or Sintel, and say what is missing and where to get it.

    python tools/data/check_flow_data.py flying-chairs data/FlyingChairs_release
    python tools/data/check_flow_data.py sintel data/Sintel

By default the first and last pair of each part are read; --all reads every file.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmengine.dataset import BaseDataset

from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.sintel import SintelDataset
from mmvidext.datasets.transforms import LoadFlowPair
from tools.data.checking import build_parser, read_samples, report

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


def check(name: str, root: Path, *, every_file: bool) -> list[str]:
    """Check a data set and return what is wrong, nothing if it is complete."""
    try:
        parts = open_parts(name, root)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    load, problems = LoadFlowPair(), []
    for part, dataset in parts.items():
        print(f'{part}: {len(dataset)} pairs')
        problems += read_samples(
            lambda index, dataset=dataset: load(dataset.get_data_info(index)), len(dataset), every_one=every_file
        )
    return problems


def main() -> None:
    args = build_parser(__doc__, HINTS).parse_args()
    report(check(args.dataset, args.root, every_file=args.all), HINTS[args.dataset])


if __name__ == '__main__':
    main()
