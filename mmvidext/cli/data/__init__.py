"""``mmvidext data``: generate, prepare and check data sets."""

import click

from mmvidext.cli.lazy_group import LazyGroup

__all__ = ['data']

COMMANDS = {
    'folder': 'Prepare your own videos: folders of classes, or lists.',
    'segmentation': 'Prepare your own frames and labels.',
    'flow': 'Prepare your own frames and flow.',
    'make-synthetic': 'Generate a small data set with exact labels.',
    'prepare-sthv2': 'Make lists of Something-Something V2 and check its videos.',
    'reencode': 'Make copies of videos that decode fast.',
    'shard': 'Put videos into a few large files.',
    'check-flow': 'Check the layout of a data set of optical flow.',
    'check-imagenet-vid': 'Check the layout of ImageNet VID.',
    'check-segmentation': 'Check the layout of Cityscapes, VSPW or CamVid.',
}


@click.group(cls=LazyGroup, package='mmvidext.cli.data', summaries=COMMANDS)
def data() -> None:
    """Generate, prepare and check data sets.

    Example: mmvidext data folder videos
    """
