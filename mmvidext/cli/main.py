"""The ``mmvidext`` command, which gathers all others."""

import click

from mmvidext.cli.lazy_group import LazyGroup
from mmvidext.version import __version__

__all__ = ['main']

COMMANDS = {
    'train': 'Train a model.',
    'test': 'Evaluate a checkpoint.',
    'predict': 'Recognize videos with any recognizer.',
    'stream': 'Recognize a video or camera, frame by frame.',
    'segment': 'Segment the frames of a video or camera.',
    'detect': 'Find the objects in a video or camera.',
    'flow': 'Estimate the optical flow between images or frames.',
    'app': 'Show in the browser what models see in a video.',
    'export': 'Export a model to ONNX.',
    'weights': 'List the models that have a name, or get the weights of one.',
    'convert': 'Bring official weights into the layout of our models.',
    'data': 'Generate, prepare and check data sets.',
    'run': 'Run a script of a toolbox, or of your own.',
    'doctor': 'Report on this installation.',
}


@click.group(cls=LazyGroup, package='mmvidext.cli', summaries=COMMANDS)
@click.version_option(__version__, prog_name='mmvidext')
def main() -> None:
    """Video models for the OpenMMLab toolboxes: train, evaluate and use them.

    A CONFIG is a file, or the name of a config of an installed package: mmvidext::NAME, mmaction::FOLDER/NAME.

    Example: mmvidext train mmvidext::ms_tsm_r50_sthv2
    """
