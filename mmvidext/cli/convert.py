"""``mmvidext convert``: bring official weights under the names of a model."""

from pathlib import Path

import click
import torch

from mmvidext.apis.model_building import build_model as build_from_config
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.checkpoints import convert_checkpoint, find_source, read_checkpoint, source_names
from mmvidext.checkpoints.sources import SOURCES
from mmvidext.cli.config import load_config
from mmvidext.cli.options import RunCommand, cfg_options_option, config_argument, one_line_errors
from mmvidext.cli.weights_file import save_weights

__all__ = ['convert']


def build_model(config: str, cfg_options: tuple[str, ...]) -> torch.nn.Module:
    """Build the model of a config without memory for its weights."""
    with torch.device('meta'):
        model: torch.nn.Module = build_from_config(load_config(config, cfg_options), default_scope='mmengine')
    return model


@click.command(cls=RunCommand, epilog='Sources: ' + '; '.join(f'{source.name}: {source.summary}' for source in SOURCES))
@config_argument
@click.argument('input', metavar='IN')
@click.argument('output', metavar='OUT', type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    '--source', type=click.Choice(source_names()), help='Project that IN is from.  [default: recognized by its tensors]'
)
@cfg_options_option
def convert(config: str, input: str, output: Path, source: str | None, cfg_options: tuple[str, ...]) -> None:
    """Bring the official weights IN, a file or URL, under the names of the model of CONFIG, and write them to OUT.

    Every tensor must have its place in the model, but for what the official network never uses and for
    data_preprocessor.*, which the config sets: they are left aside and named. OUT is a file with a state_dict that the
    tools of mmaction2 and mmsegmentation read, too; ours also read IN. Nothing in IN is executed.

    Example: mmvidext convert mmvidext::tsm_causal_mobilenet_v2_jester mobilenetv2_jester_online.pth.tar jester.pth
    """
    with one_line_errors():
        check_outputs((output,), [Path(config), Path(input)])
        weights = read_checkpoint(input).tensors
        found = source or find_source(weights)
        converted = convert_checkpoint(weights, build_model(config, cfg_options), source)
        save_weights(output, converted, source=found)
    size = sum(tensor.numel() for tensor in converted.values()) / 1e6
    click.echo(f'{input}: {found}, {len(converted)} tensors, {size:.1f} million values -> {output}')
