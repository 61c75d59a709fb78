"""``mmvidext convert``: bring official weights into the layout of our models."""

from pathlib import Path

import click
import torch

from mmvidext.checkpoints import convert_checkpoint, find_source, load_checkpoint_file
from mmvidext.checkpoints.sources import SOURCES
from mmvidext.cli.options import one_line_errors

__all__ = ['convert']


@click.command(epilog='Sources: ' + '; '.join(f'{source.name}: {source.summary}' for source in SOURCES))
@click.argument('input', metavar='IN', type=click.Path(path_type=Path))
@click.argument('output', metavar='OUT', type=click.Path(path_type=Path, dir_okay=False))
@click.option('--source', type=click.Choice([source.name for source in SOURCES]), help='Where IN is from.')
def convert(input: Path, output: Path, source: str | None) -> None:
    """Bring the official weights IN into the layout of our models, and write them to OUT.

    The source is recognized from the keys unless it is named. OUT is a file with a state_dict that load_from, the
    pretrained of our backbones and mmvidext test read. Nothing in IN is executed.

    Example: mmvidext convert --source tsm mobilenetv2_jester_online.pth.tar jester.pth
    """
    with one_line_errors():
        weights = load_checkpoint_file(input)
        found = source or find_source(weights)
        converted = convert_checkpoint(weights, source)
        output.parent.mkdir(parents=True, exist_ok=True)
        torch.save({'state_dict': converted, 'meta': {'source': found}}, output)
    size = sum(tensor.numel() for tensor in converted.values()) / 1e6
    click.echo(f'{input}: {found}, {len(converted)} tensors, {size:.1f} million values -> {output}')
