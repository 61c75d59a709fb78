"""VideoResNet r2plus1d-18 against a plain nn.Sequential of the same convolutions, and its two memory layouts.

The other side has every convolution, norm and ReLU of the network in the same sizes, in plain nn.Sequential containers
one after the other. With --sums it adds the shortcuts as a network of that depth must; without, it omits the sums,
and only computes the shortcuts' convolutions.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from benchmarks.timing import Comparison, compare
from torch import Tensor, nn

from mmvidext.models.backbones import VideoResNet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--arch', default='r2plus1d', help='see VideoResNet (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=16, help='of a clip (default: %(default)s)')
    parser.add_argument('--size', type=int, default=112, help='of a frame, in pixels (default: %(default)s)')
    parser.add_argument('--batch', type=int, default=1, help='clips (default: %(default)s)')
    parser.add_argument('--sums', action='store_true', help='let the other side add the shortcuts, too')
    parser.add_argument(
        '--against', choices=('chain', 'layout', 'both'), default='both', help='which comparison (default: %(default)s)'
    )


class Chain(nn.Module):
    """The layers of a VideoResNet, the same objects, one after the other."""

    def __init__(self, model: VideoResNet, *, sums: bool) -> None:
        super().__init__()
        self.sums = sums
        stages = [model.stage(index) for index in range(model.num_stages)]
        blocks = [block for stage in stages for block in stage]
        self.stem = model.stem
        self.residuals = nn.ModuleList(nn.Sequential(*block.conv1, *block.conv2) for block in blocks)
        self.shortcuts = nn.ModuleList(block.downsample for block in blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features, and a number that keeps the shortcuts' work from being skipped."""
        x = self.stem(x)
        unused = x.new_zeros(())
        for residual, shortcut in zip(self.residuals, self.shortcuts, strict=True):
            if self.sums:
                x = torch.relu(residual(x) + shortcut(x))
                continue
            if not isinstance(shortcut, nn.Identity):
                unused = unused + shortcut(x).mean()
            x = residual(x).relu_()
        return x, unused


def _forward(model: nn.Module, clip: Tensor) -> Callable[[], Any]:
    @torch.inference_mode()
    def call() -> None:
        model.eval()
        model(clip)

    return call


def _train(model: nn.Module, clip: Tensor) -> Callable[[], Any]:
    def call() -> None:
        model.train()
        model.zero_grad(set_to_none=True)
        output = model(clip)
        output = sum(part.mean() for part in output) if isinstance(output, tuple) else output.mean()
        output.backward()

    return call


def run(args: argparse.Namespace) -> list[Comparison]:
    model = VideoResNet(args.arch, 18).to(args.device)
    clip = torch.randn(args.batch, 3, args.frames, args.size, args.size, device=args.device)
    others: list[tuple[str, str, nn.Module, Tensor]] = []
    if args.against in ('chain', 'both'):
        others.append(('VideoResNet', 'nn.Sequential', Chain(model, sums=args.sums), clip))
    if args.against in ('layout', 'both'):
        layout = torch.channels_last_3d
        other = VideoResNet(args.arch, 18).to(args.device, memory_format=layout)
        others.append(('contiguous', 'channels_last_3d', other, clip.contiguous(memory_format=layout)))
    rows = []
    for ours, name, other, other_clip in others:
        for what, make in (('forward', _forward), ('forward + backward', _train)):
            sides = (ours, make(model, clip)), (name, make(other, other_clip))
            label = f'{args.arch}-18, {args.batch}x{args.frames}x{args.size}x{args.size}, {what}'
            rows.append(compare(label, *sides, rounds=args.rounds, warmup=1))
    return rows
