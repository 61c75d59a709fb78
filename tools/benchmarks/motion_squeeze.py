"""Time MS-ResNet-50 against TSM-ResNet-50: what the MotionSqueeze layer costs."""

import argparse
from collections.abc import Callable

import torch
from benchmarks.timing import Comparison, compare, share_weights

from mmvidext.models.backbones import MSResNet, TSMResNet


def prepare(model: torch.nn.Module, device: str, *, backward: bool) -> Callable[[], None]:
    """Return a pass over one clip of 8 frames."""
    model.to(device).train(backward)
    frames = torch.randn(8, 3, 224, 224, device=device)

    def run() -> None:
        if backward:
            model(frames).sum().backward()
            model.zero_grad()
        else:
            with torch.inference_mode():
                model(frames)

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare forward, and forward with backward."""
    rows = []
    for backward in (False, True):
        with_motion, without = MSResNet(50), TSMResNet(50)
        sides = [prepare(model, args.device, backward=backward) for model in (with_motion, without)]
        share_weights(without, with_motion)
        what = 'forward and backward, training' if backward else 'forward'
        named = zip(('MSResNet-50', 'TSMResNet-50'), sides, strict=True)
        rows.append(compare(f'8x224x224, {what}', *named, rounds=args.rounds))
    return rows
