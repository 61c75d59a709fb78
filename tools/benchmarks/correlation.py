"""Time ``local_correlation`` against a loop over shifts, spatial-correlation-sampler and mmcv where installed."""

import argparse
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from benchmarks.timing import Comparison, compare, peak_memories
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


Correlate = Callable[[Tensor, Tensor, int], Tensor]


def other_sides(device: str) -> dict[str, Correlate]:
    """Return what there is to compare with: other packages, and our kernels where they run."""
    others: dict[str, Correlate] = {'loop over shifts': correlate_by_shifts}
    feats = torch.randn(2, 1, 8, 16, 16, device=device)
    for backend in ('spatial_correlation_sampler', 'mmcv', *(['torch', 'triton'] if device != 'cpu' else [])):
        correlate = partial(local_correlation, backend=backend)
        try:
            correlate(feats[0], feats[1], 2)
        except (ImportError, RuntimeError, ValueError) as error:
            print(f'without {backend}: {str(error).splitlines()[0]}')
        else:
            others[backend] = correlate
    return others


def prepare(
    correlate: Correlate, shape: tuple[int, ...], displacement: int, *, backward: bool, device: str, dtype: torch.dtype
) -> Callable[[], None]:
    """Make the inputs and return the call to time."""
    torch.manual_seed(0)
    feats = [torch.randn(shape, device=device, dtype=dtype, requires_grad=backward) for _ in range(2)]
    size = 2 * displacement + 1
    grad = torch.ones(1, device=device, dtype=dtype).expand(shape[0], size, size, *shape[2:]) if backward else None

    def run() -> None:
        scores = correlate(*feats, displacement)
        if backward:
            torch.autograd.grad(scores, feats, None if grad is None else grad.to(scores.dtype))

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare forward, and forward with backward, at both shapes."""
    rows = []
    others = other_sides(args.device)
    for shape, displacement in SHAPES:
        size = 2 * displacement + 1
        values = 2 * shape[0] * shape[1] * shape[2] * shape[3] + shape[0] * size**2 * shape[2] * shape[3]
        print(f'{shape}, displacement {displacement}: inputs and output take {values * args.dtype.itemsize >> 20} MiB')
        for backward in (False, True):
            settings = dict(backward=backward, device=args.device, dtype=args.dtype)
            ours = partial(prepare, local_correlation, shape, displacement, **settings)
            what = f'{shape}, d={displacement}, {"forward and backward" if backward else "forward"}'
            for name, correlate in others.items():
                other = partial(prepare, correlate, shape, displacement, **settings)
                peaks = peak_memories(ours, other)
                sides = ('mmvidext', ours()), (name, other())
                rows.append(compare(what, *sides, rounds=args.rounds, peaks=peaks))
    return rows
