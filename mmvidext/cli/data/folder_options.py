"""What the commands that prepare one's own data share."""

import shlex
from pathlib import Path

import click

from mmvidext.cli.options import PATH, Decorator, FiniteRange, add_options, workers_option
from mmvidext.cli.ready_config import base_of_model, check_folders
from mmvidext.cli.written_config import WrittenConfig, check_own
from mmvidext.datasets.written_files import check_replaceable, write_replaceable

__all__ = ['REPORT', 'check_arguments', 'folder_options', 'tell']

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
            help=f'Share of {share} for validation, where no split is given.',
        ),
        click.option('--seed', default=0, show_default=True, help='Seed of the random split.'),
        workers_option,
    )


def check_arguments(root: Path, out: Path, model: str, kind: str) -> None:
    """Check, before hours of checks of files, that the report and the config can be written.

    Raises:
        ConfigError: If the model is unknown, a config cannot name the folders, or one of the user's own is there.
        ValueError: If a report would be replaced that no earlier run has written.
    """
    base_of_model(model, kind)
    check_folders(root, out)
    check_own(out / f'{model}.py')
    check_replaceable(out / REPORT)


def tell(out: Path, report: str, config: WrittenConfig, written: list[str], options: str = '') -> None:
    """Write the report, print it, and say what comes next."""
    write_replaceable(out / REPORT, report)
    click.echo(report)
    new = [] if config.note else [config.path.name]
    click.echo(f'wrote {", ".join([*written, REPORT, *new])} in {out}')
    if config.note:
        click.echo(config.note, err=True)
    click.echo(f'train with: mmvidext train {shlex.quote(str(out))} --model {config.path.stem}{options}')
