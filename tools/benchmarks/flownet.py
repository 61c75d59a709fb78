"""Time FlowNetC against FlowNetS, and each at full width against half: inference on one pair of images."""

import argparse
from collections.abc import Callable

import torch
from benchmarks.timing import Comparison, compare

from mmvidext.models.flow import FlowNetC, FlowNetS
from mmvidext.models.flow.flownet import FlowNet

NETS: dict[str, Callable[[], FlowNet]] = {
    'FlowNetC': FlowNetC,
    'FlowNetS': FlowNetS,
    'FlowNetC, half width': lambda: FlowNetC(width=0.5),
    'FlowNetS, half width': lambda: FlowNetS(width=0.5),
}
PAIRS = [
    ('FlowNetC', 'FlowNetS'),
    ('FlowNetC, half width', 'FlowNetC'),
    ('FlowNetS, half width', 'FlowNetS'),
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--height', type=int, default=384, help='of the images (default: %(default)s)')
    parser.add_argument('--width', type=int, default=512, help='of the images (default: %(default)s)')


def make_call(name: str, args: argparse.Namespace) -> Callable[[], torch.Tensor]:
    """Return a call of a network on images that are made once."""
    net = NETS[name]().to(args.device).eval()
    first, second = torch.rand(2, 1, 3, args.height, args.width, device=args.device)

    @torch.inference_mode()
    def call() -> torch.Tensor:
        return net.estimate(first, second)

    return call


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time the pairs of networks."""
    calls = {name: make_call(name, args) for name in NETS}
    rows = []
    for ours, other in PAIRS:
        sides = (ours, calls[ours]), (other, calls[other])
        rows.append(compare(f'{args.height}x{args.width}', *sides, rounds=args.rounds))
    return rows
