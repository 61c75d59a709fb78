"""Time TSM-ResNet-50 against mmaction2's ResNet-50, which has no shift, and mmaction2's own TSM against the same.

The third column of numbers over the first is what a shift costs: ``other / ours`` of 1.00 means that it is free.
"""

import argparse
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from benchmarks.timing import Comparison, compare, share_weights
from mmengine.logging import MMLogger

from mmvidext.models.backbones import TSMResNet

LAYOUTS = ('contiguous float32', 'channels_last float32', 'channels_last bfloat16 autocast')


def prepare(model: Any, layout: str, device: str) -> Callable[[], Any]:
    """Return a forward pass over one clip of 8 frames in a layout."""
    model.to(device).eval()
    frames = torch.randn(8, 3, 224, 224, device=device)
    if layout.startswith('channels_last'):
        model.to(memory_format=torch.channels_last)
        frames = frames.to(memory_format=torch.channels_last)

    def run() -> None:
        autocast = (
            torch.autocast(device.split(':')[0], torch.bfloat16) if 'bfloat16' in layout else contextlib.nullcontext()
        )
        with torch.inference_mode(), autocast:
            model(frames)

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare with and without shift in each layout."""
    from mmaction.models.backbones.resnet import ResNet
    from mmaction.models.backbones.resnet_tsm import ResNetTSM

    MMLogger.get_instance('benchmark', log_level='WARNING')
    theirs = partial(ResNetTSM, 50, pretrained2d=False)
    rows = []
    for layout in LAYOUTS:
        for name, make in (('TSMResNet-50', partial(TSMResNet, 50)), ('mmaction2 ResNetTSM-50', theirs)):
            shifted, plain = make(), ResNet(50)
            sides = [prepare(model, layout, args.device) for model in (shifted, plain)]
            share_weights(plain, shifted, drop='net.')
            named = zip((name, 'ResNet-50 without shift'), sides, strict=True)
            rows.append(compare(f'8x224x224, {layout}', *named, rounds=args.rounds))
    return rows
