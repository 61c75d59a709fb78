"""``mmvidext data shard``: videos in a few large files."""

from pathlib import Path

import click

from mmvidext.cli.options import PATH, one_line_errors, workers_option
from mmvidext.datasets.media.shard_file import PREFIX
from mmvidext.datasets.sharding import write_shards

__all__ = ['shard']


@click.command()
@click.argument('videos', type=PATH)
@click.argument('out', type=PATH)
@click.option(
    '--list',
    'lists',
    type=PATH,
    multiple=True,
    required=True,
    help='List of videos and labels, can be repeated.',
)
@click.option('--delimiter', default=' ', help='Separator of the fields in the lists.  [default: space or tab]')
@click.option('--shard-size', default=256, show_default=True, help='Size of a shard, in MiB.')
@click.option('--seed', default=0, show_default=True, help='Seed of the order of the videos.')
@workers_option
def shard(
    videos: Path, out: Path, lists: tuple[Path, ...], delimiter: str, shard_size: int, seed: int, workers: int
) -> None:
    """Copy videos into a few large tar files of WebDataset's format, for disks that are slow with many small files.

    The videos of each list are shuffled into OUT/NAME_OF_THE_LIST-000000.tar and so on, and the list is written anew
    with the place of each video. A second run writes what is missing.

    Example: mmvidext data shard data/sthv2/videos data/sthv2_shards --list data/sthv2/sthv2_train_list_videos.txt
    """
    with one_line_errors():
        result = write_shards(
            videos, out, lists, shard_size=shard_size * 2**20, seed=seed, delimiter=delimiter, workers=workers
        )
    click.echo(f'{result.num_videos} videos in {result.num_shards} shards, of which {result.num_kept} were there')
    for path in result.lists:
        click.echo(f'wrote {path}')
    click.echo(
        f"\nFor the config: data_prefix=dict(video='{PREFIX}://{out}') and, for training, "
        "sampler=dict(type='mmvidext.ShardSampler')"
    )
