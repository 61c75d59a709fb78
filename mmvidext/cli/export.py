"""``mmvidext export``: export a recognizer to ONNX."""

from pathlib import Path
from typing import Any

import click
import torch

from mmvidext.apis.onnx_export import ClipClassifier, OnlineClassifier, export_recognizer
from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.cli.config import load_config
from mmvidext.cli.options import RunCommand, cfg_options_option, config_argument, one_line_errors

__all__ = ['clip_length', 'export']


class FrameShape(click.ParamType):
    """``HEIGHTxWIDTH``, or one number for a square."""

    name = 'HxW'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return height and width."""
        parts = str(value).split('x')
        if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
            self.fail(f'expected HEIGHTxWIDTH in pixels, for example 224x224, but got {value!r}', param, ctx)
        return int(parts[0]), int(parts[-1])


def clip_length(backbone: torch.nn.Module) -> int:
    """Return the number of frames that a backbone is built for, or 16."""
    return getattr(backbone, 'num_segments', None) or getattr(backbone, 'clip_len', None) or 16


def largest_difference(path: Path, model: torch.nn.Module, inputs: tuple[torch.Tensor, ...], *, online: bool) -> float:
    """Return the largest difference between the graph's logits and the model's, relative to the largest logit."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_inputs()]
    found = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)})[0]
    with torch.no_grad():
        expected = model(inputs[0], inputs[1:])[0] if online else model(inputs[0])
    return float((torch.from_numpy(found) - expected).abs().max() / expected.abs().max())


def compare(path: Path, recognizer: Any, frames: int, size: tuple[int, int], *, online: bool) -> float:
    """Return :func:`largest_difference` of a graph on three random clips, or on one frame of three streams."""
    height, width = size
    if online:
        state = tuple(torch.rand_like(item) for item in recognizer.backbone.initial_state(3, height, width))
        model: torch.nn.Module = OnlineClassifier(recognizer)
        inputs = (torch.rand(3, 3, height, width) * 255, *state)
    else:
        clip = ClipClassifier(recognizer)
        shape = (3, 3, frames, height, width) if clip.reads_clips else (3, frames, 3, height, width)
        model, inputs = clip, (torch.rand(shape) * 255,)
    return largest_difference(path, model.eval(), inputs, online=online)


@click.command(cls=RunCommand)
@config_argument
@click.argument('out', type=click.Path(path_type=Path))
@click.option('--checkpoint', type=click.Path(path_type=Path), help='Weights, ours or official.  [default: random]')
@click.option('--shape', type=FrameShape(), default='224x224', show_default=True, help='Size of a frame.')
@click.option(
    '--frames', type=click.IntRange(1), help="Frames of a clip.  [default: the backbone's, or 16 if it takes any]"
)
@click.option('--online', is_flag=True, help='One frame, state in and out; needs causal=True.')
@click.option('--check', is_flag=True, help='Compare with torch in onnxruntime, on three clips.')
@cfg_options_option
def export(
    config: str,
    out: Path,
    checkpoint: Path | None,
    shape: tuple[int, int],
    frames: int | None,
    online: bool,
    check: bool,
    cfg_options: tuple[str, ...],
) -> None:
    """Export the recognizer of CONFIG to the ONNX file OUT, for clips or, with --online, for frame after frame.

    The graph takes RGB from 0 to 255 in float32 and returns logits; the batch size is free. With --online it also
    takes the state (zeros before the first frame) and returns the next one.

    Example: mmvidext export mmvidext::tsm_r50_sthv2 tsm.onnx --checkpoint tsm.pth --check
    """
    height, width = shape
    with one_line_errors():
        recognizer = build_recognizer(load_config(config, cfg_options), checkpoint).eval()
        frames = frames or clip_length(recognizer.backbone)
        out.parent.mkdir(parents=True, exist_ok=True)
        names = export_recognizer(recognizer, out, num_frames=frames, height=height, width=width, online=online)
    click.echo(f'{out}: {out.stat().st_size / 2**20:.1f} MiB, inputs {", ".join(names)}')
    if check:
        with one_line_errors():
            error = compare(out, recognizer, frames, shape, online=online)
        click.echo(f'largest relative difference to torch: {error:.1e}')
        if error > 1e-3:
            raise click.ClickException('the graph does not compute what the model computes')
