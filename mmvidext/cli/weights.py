"""``mmvidext weights``: the models that have a name, and their checkpoints."""

from pathlib import Path

import click
import torch

from mmvidext.apis.model_building import build_model
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.checkpoints import fit_weights
from mmvidext.checkpoints.download import cached_file
from mmvidext.checkpoints.locate import model_checkpoint
from mmvidext.checkpoints.model_index import NamedModel, find_model_entry, read_model_index
from mmvidext.cli.config import load_config
from mmvidext.cli.options import PathEndingIn, one_line_errors
from mmvidext.cli.weights_file import save_weights
from mmvidext.file_digest import sha256_of

__all__ = ['weights']


@click.group(invoke_without_command=True)
@click.pass_context
def weights(ctx: click.Context) -> None:
    """List the models that have a name, or get the checkpoint of one.

    Such a name is a MODEL of mmvidext predict, and, wherever a checkpoint is asked for, its weights: --weights,
    load_from, pretrained. What is not on this machine is downloaded once.

    Example: mmvidext weights get tsm_r50_k400
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@weights.command('list')
@click.option(
    '--all', 'also_without', is_flag=True, help='Also list the configs of which no checkpoint is public, and why.'
)
def list_models(also_without: bool = False) -> None:
    """List the models that have a checkpoint: where it is, and the published figure.

    Example: mmvidext weights list --all
    """
    models = [model for model in read_model_index().values() if model.weights or also_without]
    rows = [('NAME', 'CHECKPOINT', 'TRAINED ON', 'PUBLISHED')]
    rows += [(model.name, _where(model), ', '.join(model.data), _figure(model)) for model in models]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo('  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _where(model: NamedModel) -> str:
    if model.weights is None:
        return 'none'
    if model.is_shipped:
        return 'in the package'
    return 'in the cache' if cached_file(model.weights).is_file() else 'to download'


def _figure(model: NamedModel) -> str:
    if model.weights is None:
        return model.without
    if not model.figures:
        return ''
    first = model.figures[0]
    values = ', '.join(f'{name} {value:g}' for name, value in first.metrics.items())
    return f'{values} ({first.dataset}{f", {first.protocol}" if first.protocol else ""})'


@weights.command()
@click.argument('name')
@click.option(
    '--out', type=PathEndingIn('.pth'), help='Also write the weights, under the names of our models, to this .pth file.'
)
def get(name: str, out: Path | None) -> None:
    """Download the checkpoint of the model NAME, if it is not there, and check that it fits its config.

    It goes into the cache of torch.hub. A transfer that breaks off is continued, also by the next call; a file of
    another SHA-256 than the published one is not kept. Every tensor must have its place in the model.

    Example: mmvidext weights get tsm_r50_k400 --out tsm_r50_k400.pth
    """
    with one_line_errors():
        model = find_model_entry(name)
        check_outputs((out,), [])
        path = model_checkpoint(model)
        config = load_config(str(model.config), model.options)
        with torch.device('meta'):
            network = build_model(config, default_scope='mmengine')
        fit = fit_weights(network, path)
        if out is not None:
            save_weights(out, fit.weights, source=model.source)
    options = f' with --cfg-options {" ".join(model.options)}' if model.options else ''
    click.echo(f'{name}: {len(fit.weights)} tensors fit {model.config.stem}{options}')
    click.echo(f'  file    {path}')
    click.echo(f'  SHA-256 {sha256_of(path)}')
    if out is not None:
        click.echo(f'wrote {out}')
