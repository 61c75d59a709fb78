"""Time ``local_correlation`` against spatial-correlation-sampler, or a loop over shifts where it is not installed."""

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from benchmarks.timing import Comparison, peak_memory, time_alternately
from torch import Tensor

from mmvidext.ops import local_correlation

# (N, C, H, W), max_displacement: MotionSqueeze at 8 clips of 8 frames, FlowNetC-like maps
SHAPES = [((56, 64, 28, 28), 7), ((1, 256, 48, 64), 10)]


def correlate_by_shifts(feat1: Tensor, feat2: Tensor, max_displacement: int) -> Tensor:
    """Multiply with one shifted map after the other, the plain way without an extension."""
    height, width = feat1.shape[2:]
    padded = F.pad(feat2, (max_displacement,) * 4)
    size = 2 * max_displacement + 1
    scores = [
        (feat1 * padded[:, :, dy : dy + height, dx : dx + width]).sum(1) for dy in range(size) for dx in range(size)
    ]
    return torch.stack(scores, dim=1).unflatten(1, (size, size))


def find_other_side() -> tuple[str, Callable[[Tensor, Tensor, int], Tensor]]:
    """Return what there is to compare with."""
    if importlib.util.find_spec('spatial_correlation_sampler') is None:
        return 'loop over shifts', correlate_by_shifts
    return 'spatial-correlation-sampler', partial(local_correlation, backend='spatial_correlation_sampler')


def prepare(
    shape: tuple[int, ...], displacement: int, *, ours: bool, backward: bool, device: str
) -> Callable[[], None]:
    """Make the inputs and return the call to time."""
    correlate = local_correlation if ours else find_other_side()[1]
    torch.manual_seed(0)
    feats = [torch.randn(shape, device=device, requires_grad=backward) for _ in range(2)]
    size = 2 * displacement + 1
    grad = torch.ones(1, device=device).expand(shape[0], size, size, *shape[2:]) if backward else None

    def run() -> None:
        scores = correlate(*feats, displacement)
        if backward:
            torch.autograd.grad(scores, feats, grad)

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare forward, and forward with backward, at both shapes."""
    rows = []
    other_name, _ = find_other_side()
    for shape, displacement in SHAPES:
        size = 2 * displacement + 1
        floats = 2 * shape[0] * shape[1] * shape[2] * shape[3] + shape[0] * size**2 * shape[2] * shape[3]
        print(f'{shape}, displacement {displacement}: inputs and output take {floats * 4 / 2**20:.0f} MiB')
        for backward in (False, True):
            make = [
                partial(prepare, shape, displacement, ours=ours, backward=backward, device=args.device)
                for ours in (True, False)
            ]
            times = time_alternately(make[0](), make[1](), rounds=args.rounds)
            peaks = [peak_memory(one) for one in make]
            what = 'forward and backward' if backward else 'forward'
            rows.append(Comparison(f'{shape}, d={displacement}, {what}', 'mmvidext', other_name, *times, *peaks))
    return rows
