"""What the tools that check a data set share: reading samples with progress, and the last words."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

__all__ = ['build_parser', 'read_samples', 'report']


def build_parser(description: str | None, datasets: Iterable[str]) -> argparse.ArgumentParser:
    """Return a parser of ``DATASET ROOT [--all]``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=sorted(datasets))
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument('--all', action='store_true', help='read every sample, not only the first and the last')
    return parser


def read_samples(read: Callable[[int], object], count: int, *, every_one: bool) -> list[str]:
    """Read all of ``count`` samples, or the first and the last one; return what is wrong with them."""
    indices: Sequence[int] = range(count) if every_one or count < 2 else (0, count - 1)
    problems = []
    for position, index in enumerate(indices, start=1):
        try:
            read(index)
        except (FileNotFoundError, ValueError) as error:
            problems.append(str(error))
        if len(indices) > 100 and (position % 100 == 0 or position == len(indices)):
            print(f'\r{position}/{len(indices)}', end='' if position < len(indices) else '\n', flush=True)
    return problems


def report(problems: Sequence[str], hint: str) -> None:
    """Print the problems and where to get what is missing; the exit status is 1 if there are any."""
    for problem in problems:
        print(f'wrong: {problem}')
    if problems:
        print(f'to download: {hint}')
        sys.exit(1)
    print('complete')
