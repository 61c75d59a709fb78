"""Export a recogniser to ONNX, for clips or, with --online, for one frame after the other.

    python tools/export_onnx.py CONFIG OUT [--checkpoint FILE] [--shape HxW] [--frames T] [--online] [--check]

The graph takes RGB from 0 to 255 in float32 and returns logits; the batch size is free. With --online it also takes the
state (zeros before the first frame) and returns the next one.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmvidext.apis.onnx_export import ClipClassifier, OnlineClassifier, export_recognizer
from mmvidext.apis.recognizer_loading import build_recognizer


def parse_shape(text: str) -> tuple[int, int]:
    """Read ``HEIGHTxWIDTH``, or one number for a square."""
    parts = text.split('x')
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f'expected HEIGHTxWIDTH in pixels, for example 224x224, but got {text!r}')
    return int(parts[0]), int(parts[-1])


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='config of a recogniser')
    parser.add_argument('out', type=Path, help='ONNX file to write')
    parser.add_argument('--checkpoint', type=Path, help='weights, ours or official (default: random)')
    parser.add_argument('--shape', type=parse_shape, default=(224, 224), help='HxW of a frame (default: 224x224)')
    parser.add_argument('--frames', type=int, help="frames of a clip (default: the backbone's, or 16 if it takes any)")
    parser.add_argument('--online', action='store_true', help='one frame, state in and out; needs causal=True')
    parser.add_argument('--check', action='store_true', help='compare with torch in onnxruntime, with three clips')
    return parser


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


def check(args: argparse.Namespace, recognizer: Any, frames: int) -> None:
    """Compare the graph with the model, and stop with an error where they differ."""
    height, width = args.shape
    if args.online:
        state = tuple(torch.rand_like(item) for item in recognizer.backbone.initial_state(3, height, width))
        model: torch.nn.Module = OnlineClassifier(recognizer)
        inputs = (torch.rand(3, 3, height, width) * 255, *state)
    else:
        clip = ClipClassifier(recognizer)
        shape = (3, 3, frames, height, width) if clip.reads_clips else (3, frames, 3, height, width)
        model, inputs = clip, (torch.rand(shape) * 255,)
    error = largest_difference(args.out, model.eval(), inputs, online=args.online)
    print(f'largest relative difference to torch: {error:.1e}')
    if error > 1e-3:
        sys.exit('error: the graph does not compute what the model computes')


def main(arguments: list[str] | None = None) -> None:
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.frames is not None and args.frames < 1:
        parser.error(f'--frames must be at least 1, not {args.frames}')
    height, width = args.shape
    try:
        recognizer = build_recognizer(Config.fromfile(args.config), args.checkpoint).eval()
        frames = args.frames or clip_length(recognizer.backbone)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        names = export_recognizer(
            recognizer, args.out, num_frames=frames, height=height, width=width, online=args.online
        )
    except (ValueError, ImportError, OSError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: {args.out.stat().st_size / 2**20:.1f} MiB, inputs {", ".join(names)}')
    if args.check:
        check(args, recognizer, frames)


if __name__ == '__main__':
    main()
