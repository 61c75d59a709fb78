"""``mmvidext data prepare-sthv2``: from the download of Something-Something V2 to lists for the data loader."""

from pathlib import Path

import click

from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.cli.options import PATH, one_line_errors, workers_option
from mmvidext.datasets.sthv2_preparation import BAD_VIDEOS, Preparation
from mmvidext.datasets.sthv2_preparation import prepare_sthv2 as prepare

__all__ = ['prepare_sthv2']

MOST_SHOWN = 10


def report(result: Preparation, *, drop_bad: bool) -> None:
    """Print what was written, what is bad, and what belongs into the config."""
    for split, count in result.listed.items():
        click.echo(f'{split}: {count} videos')
    for path in result.written:
        click.echo(f'wrote {path}')
    if result.bad:
        click.echo(f'\n{len(result.bad)} bad videos, all listed in {BAD_VIDEOS}:')
        for checked in result.bad[:MOST_SHOWN]:
            click.echo(f'  {checked.path} {checked.problem}')
        if not drop_bad:
            click.echo('No lists were written; those of an earlier run are as they were. Download these videos again,')
            click.echo('or leave them out with --drop-bad.')
            return
    click.echo(
        f'\nFor the config: data_prefix=dict(video={str(result.videos)!r}), num_classes={len(result.class_names)}, '
        f"dict(type='Flip', flip_label_map={result.flip_label_map})"
    )


@click.command()
@click.argument('root', type=PATH)
@click.option('--videos', type=PATH, help='Folder of the videos.  [default: looked for in ROOT]')
@click.option('--annotations', type=PATH, help='Folder of the JSON files.  [default: looked for in ROOT]')
@click.option('--out', type=PATH, help='Folder for the lists.  [default: ROOT]')
@click.option('--labels', type=PATH, help='File for the class names.  [default: OUT/class_names.txt]')
@click.option('--ext', default='webm', show_default=True, help='Extension of the videos.')
@click.option('--drop-bad', is_flag=True, help='Leave bad videos out instead of failing.')
@workers_option
def prepare_sthv2(
    root: Path,
    videos: Path | None,
    annotations: Path | None,
    out: Path | None,
    labels: Path | None,
    ext: str,
    drop_bad: bool,
    workers: int,
) -> None:
    """Turn the download of Something-Something V2 into annotation lists, and check that every video opens.

    ROOT holds the unpacked videos and the JSON files, with or without the prefix something-something-v2-. A second
    run checks only what is new or has changed. Ends with status 1 if videos are bad, unless --drop-bad excludes them.

    Example: mmvidext data prepare-sthv2 data/sthv2
    """
    with one_line_errors():
        check_outputs((labels,), (path for path in (root, videos, annotations) if path))
        result = prepare(
            root,
            videos=videos,
            annotations=annotations,
            out=out,
            class_names_file=labels,
            extension=ext.removeprefix('.'),
            drop_bad=drop_bad,
            workers=workers,
        )
    report(result, drop_bad=drop_bad)
    if result.bad and not drop_bad:
        raise SystemExit(1)
