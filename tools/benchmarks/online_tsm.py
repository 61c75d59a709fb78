"""Online TSM-ResNet-50, one frame with its state, against the plain ResNet-50 on the same frame."""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from benchmarks.timing import Comparison, compare, share_weights

from mmvidext.models.backbones import TSMResNet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--depth', type=int, default=50, help='of both networks (default: %(default)s)')
    parser.add_argument('--size', type=int, default=224, help='of a frame, in pixels (default: %(default)s)')
    parser.add_argument('--streams', type=int, nargs='+', default=[1], help='frames in a batch (default: 1)')


def _stream(model: TSMResNet, frame: torch.Tensor) -> Callable[[], Any]:
    """Return a call that passes the same frame repeatedly, each time with the state that the last call left."""
    held = [model.initial_state(frame.shape[0], *frame.shape[2:])]

    def call() -> None:
        _, held[0] = model.step(frame, held[0])

    return call


@torch.inference_mode()
def run(args: argparse.Namespace) -> list[Comparison]:
    from mmaction.models.backbones.resnet import ResNet  # only after mmvidext has fixed the stack

    online, plain = TSMResNet(args.depth, causal=True), ResNet(args.depth)
    online.to(args.device).eval()
    plain.to(args.device)
    plain.eval()
    rows = []
    for streams in args.streams:
        state = online.initial_state(streams, args.size, args.size)
        elements = sum(cache.numel() for cache in state)
        size = elements * state[0].element_size() / 2**20
        print(f'state of {streams} stream(s): {len(state)} tensors, {elements:,} values, {size:.2f} MiB')
        for layout, memory_format in (
            ('contiguous', torch.contiguous_format),
            ('channels_last', torch.channels_last),
        ):
            online.to(memory_format=memory_format)
            share_weights(plain, online, drop='net.')
            frame = torch.randn(streams, 3, args.size, args.size, device=args.device)
            frame = frame.contiguous(memory_format=memory_format)
            ours = 'online TSM', _stream(online, frame)
            other = f'ResNet-{args.depth}', lambda frame=frame: plain(frame)
            rows.append(compare(f'{streams} stream(s), {layout}', ours, other, rounds=args.rounds))
    return rows
