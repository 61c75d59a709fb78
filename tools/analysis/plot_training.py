"""Draw loss and validation accuracy of one or more training runs over the epochs.

python tools/analysis/plot_training.py OUT.png NAME=WORK_DIR [NAME=WORK_DIR ...]
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl

mpl.use('agg')
import matplotlib.pyplot as plt


def read_scalars(work_dir: Path) -> list[dict[str, float]]:
    """Return what the newest run in a work dir logged.

    Raises:
        FileNotFoundError: If no run logged anything there.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'), key=lambda path: path.stat().st_mtime)
    if not logs:
        raise FileNotFoundError(f'{work_dir} holds no */vis_data/scalars.json: is it the work dir of a training run?')
    return [json.loads(line) for line in logs[-1].read_text().splitlines()]


def mean_by_epoch(rows: list[dict[str, float]], key: str, epoch: str) -> tuple[list[float], list[float]]:
    """Return the epochs and the mean of ``key`` in each."""
    values = defaultdict(list)
    for row in rows:
        if key in row and epoch in row:
            values[row[epoch]].append(row[key])
    epochs = sorted(values)
    return epochs, [sum(values[one]) / len(values[one]) for one in epochs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='PNG file to write')
    parser.add_argument('runs', nargs='+', metavar='NAME=WORK_DIR', help='a run and its name in the legend')
    parser.add_argument('--metric', default='acc/top1', help='validation metric (default: %(default)s)')
    args = parser.parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout='constrained')
    for run in args.runs:
        name, separator, work_dir = run.partition('=')
        if not separator:
            parser.error(f'expected NAME=WORK_DIR, but got {run!r}')
        try:
            rows = read_scalars(Path(work_dir))
        except FileNotFoundError as error:
            parser.error(str(error))
        left.plot(*mean_by_epoch(rows, 'loss', 'epoch'), marker='o', label=name)
        right.plot(*mean_by_epoch(rows, args.metric, 'step'), marker='o', label=name)
    left.set(xlabel='epoch', ylabel='training loss')
    right.set(xlabel='epoch', ylabel=f'validation {args.metric}', ylim=(0, 1.02))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, dpi=100)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
