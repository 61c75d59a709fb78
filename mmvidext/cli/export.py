"""``mmvidext export``: export a model to ONNX."""

from pathlib import Path
from typing import Any, NamedTuple

import click
import torch
from mmengine.config import Config
from torch import nn

from mmvidext.apis.model_building import build_model as build_from_config
from mmvidext.apis.onnx_check import largest_difference
from mmvidext.apis.onnx_export import ClipClassifier, OnlineClassifier, export_recognizer
from mmvidext.apis.onnx_video import (
    FlowStep,
    KeyFrameStep,
    PropagatedStep,
    export_flow_network,
    export_video_segmentor,
)
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.apis.weights import load_for_inference
from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    PATH,
    RunCommand,
    cfg_options_option,
    config_argument,
    one_line_errors,
    optional_checkpoint,
)
from mmvidext.cli.unused_options import refuse_unused

__all__ = ['clip_length', 'export']

LARGEST_DIFFERENCE = 1e-3


class FrameShape(click.ParamType):
    """``HEIGHTxWIDTH``, or one number for a square."""

    name = 'HxW'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return height and width."""
        parts = str(value).split('x')
        if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
            self.fail(f'expected HEIGHTxWIDTH in pixels, for example 224x224, but got {value!r}', param, ctx)
        return int(parts[0]), int(parts[-1])


class Graph(NamedTuple):
    """A graph that was written, with what it is checked against.

    Attributes:
        path: The file.
        inputs: Names of its inputs.
        module: What it was made from.
        arguments: Random ones for the module's forward.
    """

    path: Path
    inputs: tuple[str, ...]
    module: nn.Module
    arguments: tuple[Any, ...]


def clip_length(backbone: torch.nn.Module) -> int:
    """Return the number of frames that a backbone is built for, or 16."""
    return getattr(backbone, 'num_segments', None) or getattr(backbone, 'clip_len', None) or 16


def build_model(config: Config, checkpoint: str | None) -> Any:
    """Build a recognizer, a ``DeepFeatureFlow`` or a ``FlowEstimator``.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the model is none of these, or the weights do not fit it.
    """
    model_config = config.get('model') or {}
    if 'flow_net' not in model_config:
        if isinstance(model_config, dict) and 'cls_head' not in model_config:
            raise ValueError(
                f'{model_config.get("type", "a config without model")} cannot be exported: what can is a recognizer of '
                'mmaction2, a DeepFeatureFlow segmentor and a FlowEstimator'
            )
        return build_recognizer(config, checkpoint)
    model = build_from_config(config, default_scope='mmvidext')
    if hasattr(model, 'detector'):
        raise ValueError(f'{type(model).__name__} cannot be exported: how many boxes it finds depends on the picture')
    if checkpoint is not None:
        load_for_inference(model, checkpoint)
    return model


def write_recognizer(
    model: Any, out: Path, *, frames: int | None, size: tuple[int, int], online: bool, opset: int | None
) -> list[Graph]:
    """Write the graph of clips or, online, of one frame."""
    height, width = size
    frames = frames or clip_length(model.backbone)
    names = export_recognizer(model, out, num_frames=frames, height=height, width=width, online=online, opset=opset)
    if online:
        state = tuple(torch.rand_like(item) for item in model.backbone.initial_state(3, height, width))
        return [Graph(out, names, OnlineClassifier(model), (torch.rand(3, 3, height, width) * 255, state))]
    clip = ClipClassifier(model)
    shape = (3, frames, height, width) if clip.reads_clips else (frames, 3, height, width)
    num_clips = 1 if model.with_neck else 3  # with a neck the batch size is fixed
    return [Graph(out, names, clip, (torch.rand(num_clips, *shape) * 255,))]


def write_video_segmentor(model: Any, out: Path, *, size: tuple[int, int], opset: int | None) -> list[Graph]:
    """Write the graphs of a key frame and of a frame that is propagated from it."""
    height, width = size
    key_file, propagated_file = export_video_segmentor(model, out, height=height, width=width, opset=opset)
    key_step, propagated_step = KeyFrameStep(model), PropagatedStep(model)
    first, second = (torch.rand(1, 3, height, width) * 255 for _ in range(2))
    with torch.no_grad():
        _, flow_frame, *maps = key_step(first)
    names = ('frame', 'flow_frame', *(f'map_{index}' for index in range(len(maps))))
    return [
        Graph(key_file, ('frame',), key_step, (first,)),
        Graph(propagated_file, names, propagated_step, (second, flow_frame, tuple(maps))),
    ]


def write_flow_network(model: Any, out: Path, *, size: tuple[int, int], opset: int | None) -> list[Graph]:
    """Write the graph of a pair of images."""
    height, width = size
    names = export_flow_network(model, out, height=height, width=width, opset=opset)
    return [Graph(out, names, FlowStep(model), tuple(torch.rand(2, 1, 3, height, width) * 255))]


def write_graphs(
    model: Any, out: Path, *, frames: int | None, size: tuple[int, int], online: bool, opset: int | None
) -> list[Graph]:
    """Write the graphs of a model of any kind.

    Raises:
        ValueError: If an option, or the suffix of the output, has no meaning for the model, or the model cannot be
            exported so.
    """
    is_folder = hasattr(model, 'segmentor')
    if is_folder and out.suffix == '.onnx' and not out.is_dir():
        raise ValueError(f'OUT must be a folder for the two files of this model, but is {out}')
    if not is_folder and out.suffix != '.onnx':
        raise ValueError(f'OUT must end in .onnx, but is {out}')
    if hasattr(model, 'backbone'):
        return write_recognizer(model, out, frames=frames, size=size, online=online, opset=opset)
    if frames or online:
        raise ValueError('--frames and --online are for recognizers: leave them out')
    write = write_video_segmentor if is_folder else write_flow_network
    return write(model, out, size=size, opset=opset)


@click.command(cls=RunCommand)
@config_argument
@click.argument('out', type=PATH)
@click.option(
    '--checkpoint', callback=optional_checkpoint, help='Checkpoint to export, ours or official.  [default: random]'
)
@click.option('--shape', type=FrameShape(), default='224x224', show_default=True, help='Size of a frame, HEIGHTxWIDTH.')
@click.option(
    '--frames',
    type=click.IntRange(1),
    help="Number of frames of a clip.  [default: the backbone's, or 16 if it takes any]",
)
@click.option(
    '--online', is_flag=True, help='Export for one frame after the other, with state in and out; needs causal=True.'
)
@click.option('--opset', type=click.IntRange(1), help="Version of the ONNX operators.  [default: the exporter's]")
@click.option('--check', is_flag=True, help='Compare the exported model in onnxruntime with torch, on random frames.')
@cfg_options_option
def export(
    config: str,
    out: Path,
    checkpoint: str | None,
    shape: tuple[int, int],
    frames: int | None,
    online: bool,
    opset: int | None,
    check: bool,
    cfg_options: tuple[str, ...],
) -> None:
    """Export the model of CONFIG to ONNX.

    A recognizer becomes the file OUT, for clips or, with --online, for frame after frame: the batch size is free (1
    with a neck). With --online it also takes the state (zeros before the first frame) and returns the next one. A flow
    network becomes the file OUT, for two images. Deep Feature Flow becomes two files in the folder OUT: key_frame.onnx,
    and propagated.onnx, which takes what the last key frame returned. All take RGB from 0 to 255 in float32.

    Example: mmvidext export mmvidext::tsm_r50_sthv2 tsm.onnx --checkpoint tsm.pth --check
    """
    if online:
        refuse_unused('is for clips: with --online the model takes one frame', 'frames')
    with one_line_errors():
        check_outputs((out,), [Path(path) for path in (config, checkpoint) if path])
        model = build_model(load_config(config, cfg_options), checkpoint).eval()
        graphs = write_graphs(model, out, frames=frames, size=shape, online=online, opset=opset)
    for graph in graphs:
        size = graph.path.stat().st_size / 2**20
        click.echo(f'{graph.path}: {size:.1f} MiB, inputs {", ".join(graph.inputs)}')
    if checkpoint is None:
        click.echo('the weights are random: there is no --checkpoint', err=True)
    for graph in graphs if check else []:
        with one_line_errors():
            error = largest_difference(graph.path, graph.module, graph.arguments)
        click.echo(f'{graph.path}: largest relative difference to torch: {error:.1e}')
        if not error <= LARGEST_DIFFERENCE:
            raise click.ClickException(f'{graph.path} does not compute what the model computes')
