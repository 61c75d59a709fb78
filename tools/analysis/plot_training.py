"""Draw loss and validation accuracy of one or more training runs over the epochs.

python tools/analysis/plot_training.py OUT.png NAME=WORK_DIR [NAME=WORK_DIR ...]
"""

import argparse
from pathlib import Path

from mmvidext.datasets.atomic_write import atomic_path
from mmvidext.drawing.training_curves import plot_training_curves, read_scalars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='PNG file to write')
    parser.add_argument('runs', nargs='+', metavar='NAME=WORK_DIR', help='a run and its name in the legend')
    parser.add_argument('--metric', default='acc/top1', help='validation metric (default: %(default)s)')
    args = parser.parse_args()
    runs = {}
    for run in args.runs:
        name, separator, work_dir = run.partition('=')
        if not separator:
            parser.error(f'expected NAME=WORK_DIR, but got {run!r}')
        try:
            runs[name] = read_scalars(Path(work_dir))
        except (FileNotFoundError, ValueError) as error:
            parser.error(str(error))
    figure = plot_training_curves(runs, [args.metric])
    with atomic_path(args.out) as temporary:
        figure.savefig(temporary)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
