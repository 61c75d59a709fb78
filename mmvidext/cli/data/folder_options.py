"""What the commands that prepare one's own data share."""

import shlex
from pathlib import Path

import click

from mmvidext.cli.options import PATH, Decorator, FiniteRange, add_options, workers_option
from mmvidext.datasets.atomic_write import atomic_write_text

__all__ = ['REPORT', 'folder_options', 'tell']

REPORT = 'report.md'


def folder_options(share: str) -> Decorator:
    """Return a decorator that adds the folder, and how it is split.

    Args:
        share: Of what ``--val`` is a share.
    """
    return add_options(
        click.argument('root', metavar='DIR', type=PATH),
        click.option('--out', type=PATH, help='Folder for lists, config and report.  [default: DIR]'),
        click.option(
            '--val',
            'ratio',
            type=FiniteRange(0, 1, min_open=True, max_open=True),
            default=0.2,
            show_default=True,
            help=f'Share of {share} for validation.',
        ),
        click.option('--seed', default=0, show_default=True, help='Seed of the random split.'),
        workers_option,
    )


def tell(out: Path, report: str, config: Path, written: list[str], options: str = '') -> None:
    """Write the report, print it, and say what comes next."""
    atomic_write_text(out / REPORT, report)
    click.echo(report)
    click.echo(f'wrote {", ".join([*written, REPORT, config.name])} in {out}')
    click.echo(f'train with: mmvidext train {shlex.quote(str(out))} --model {config.stem}{options}')
