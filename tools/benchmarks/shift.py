"""Time TSM-ResNet-50 against mmaction2's ResNet-50, which has no shift, and mmaction2's own TSM against the same.

``other / ours`` of 1.00 means that a shift is free. mmaction2 activates in place, and we only where asked, for the
reasons of :func:`make_out_of_place`. So our TSM is timed as it is against mmaction2's ResNet-50 as it is, and against
the same ResNet-50 with both in place and both out of place: these two are the shift alone.
"""

import argparse
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from benchmarks.timing import Comparison, compare, share_weights
from mmengine.logging import MMLogger

from mmvidext.layers.out_of_place import make_out_of_place
from mmvidext.models.backbones import TSMResNet

CONTIGUOUS, CHANNELS_LAST = 'contiguous', 'channels_last'
Layout = tuple[str, torch.dtype]


def layouts(dtype: torch.dtype) -> list[Layout]:
    """Return the layouts to time; without a dtype to look at, bfloat16 too where it is used."""
    if dtype == torch.float32:
        return [(CONTIGUOUS, dtype), (CHANNELS_LAST, dtype), (CHANNELS_LAST, torch.bfloat16)]
    return [(CONTIGUOUS, dtype), (CHANNELS_LAST, dtype)]


def prepare(model: Any, layout: Layout, device: str) -> Callable[[], Any]:
    """Return a forward pass over one clip of 8 frames in a layout."""
    model.to(device).eval()
    frames = torch.randn(8, 3, 224, 224, device=device)
    if layout[0] == CHANNELS_LAST:
        model.to(memory_format=torch.channels_last)
        frames = frames.to(memory_format=torch.channels_last)

    def run() -> None:
        autocast = (
            contextlib.nullcontext() if layout[1] == torch.float32 else torch.autocast(device.split(':')[0], layout[1])
        )
        with torch.inference_mode(), autocast:
            model(frames)

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare with and without shift in each layout."""
    from mmaction.models.backbones.resnet import ResNet
    from mmaction.models.backbones.resnet_tsm import ResNetTSM

    MMLogger.get_instance('benchmark', log_level='WARNING')
    ours = partial(TSMResNet, 50)
    theirs = partial(ResNetTSM, 50, pretrained2d=False)
    names = ('TSMResNet-50', 'ResNet-50 without shift')
    in_place = partial(ours, act_cfg=dict(type='ReLU', inplace=True))
    pairs: list[tuple[tuple[str, str], Callable[[], Any], bool]] = [
        (names, ours, False),
        ((names[0], f'{names[1]}, both in place'), in_place, False),
        ((names[0], f'{names[1]}, both out of place'), ours, True),
        (('mmaction2 ResNetTSM-50', names[1]), theirs, False),
    ]
    rows = []
    for layout in layouts(args.dtype):
        dtype = str(layout[1]).removeprefix('torch.')
        title = f'8x224x224, {layout[0]} {dtype}{"" if layout[1] == torch.float32 else " autocast"}'
        for titles, make, out_of_place in pairs:
            shifted, plain = make(), ResNet(50)
            if out_of_place:
                make_out_of_place(plain)
            sides = [prepare(model, layout, args.device) for model in (shifted, plain)]
            share_weights(plain, shifted, drop='net.')
            named = zip(titles, sides, strict=True)
            rows.append(compare(title, *named, rounds=args.rounds))
    return rows
