"""What the commands that check a data set share: reading samples with progress, and the last words."""

from collections.abc import Callable, Sequence

import click

__all__ = ['all_option', 'read_samples', 'report']

all_option = click.option(
    '--all', 'every_file', is_flag=True, help='Read every sample, not only the first and the last.'
)


def read_samples(read: Callable[[int], object], count: int, *, every_file: bool) -> list[str]:
    """Read all of ``count`` samples, or the first and the last one; return what is wrong with them."""
    indices: Sequence[int] = range(count) if every_file or count < 2 else (0, count - 1)
    problems = []
    with click.progressbar(indices, hidden=len(indices) <= 100) as progress:
        for index in progress:
            try:
                read(index)
            except Exception as error:
                problems.append(str(error) or type(error).__name__)
    return problems


def report(problems: Sequence[str], hint: str) -> None:
    """Print the problems and the hint how to mend them; the exit status is 1 if there are any."""
    for problem in problems:
        click.echo(f'wrong: {problem}')
    if problems:
        click.echo(hint)
        raise SystemExit(1)
    click.echo('complete')
