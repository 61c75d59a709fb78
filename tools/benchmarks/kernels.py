"""Time the Triton kernels against the same ops in plain torch, at the sizes of the papers: for --device cuda."""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from benchmarks.timing import Comparison, compare
from torch import Tensor

from mmvidext import ops
from mmvidext.ops.frame_matching import match_frames

Shape = tuple[int, ...]
SEGMENTS, REACH = 8, 7  # of MotionSqueeze


def soft_argmax(scores: Tensor, backend: str) -> Tensor:
    """Call the op on scores as a correlation leaves them, ``(N, H, W, P, P)``."""
    return torch.cat(ops.kernel_soft_argmax(scores.permute(0, 3, 4, 1, 2), backend=backend), dim=1)


def match(frames: Tensor, backend: str) -> Tensor:
    """Match frames in one kernel, or op by op in plain torch."""
    if backend == 'triton':
        return match_frames(frames, SEGMENTS, REACH)
    unit = frames / (frames.square().sum(1, keepdim=True) + 1e-6).sqrt()
    clips = unit.unflatten(0, (-1, SEGMENTS))
    pairs = clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)
    scores = ops.local_correlation(*pairs, REACH, backend=backend)
    return torch.cat(ops.kernel_soft_argmax(torch.relu(scores), backend=backend), dim=1)


OPS: dict[str, tuple[Callable[..., Tensor], list[Shape]]] = {
    'local_correlation, d=7': (partial(ops.local_correlation, max_displacement=7), [(56, 64, 28, 28)] * 2),
    'local_correlation, d=10': (partial(ops.local_correlation, max_displacement=10), [(1, 256, 48, 64)] * 2),
    'kernel_soft_argmax': (soft_argmax, [(56, 28, 28, 15, 15)]),
    'match_frames': (match, [(64, 64, 28, 28)]),
    'temporal_shift': (partial(ops.temporal_shift, num_segments=8), [(64, 256, 56, 56)]),
    'pool_samples': (partial(ops.pool_samples, num_samples=5, sample_stride=3), [(8, 64, 60, 80), (8, 25, 60, 80)]),
}


def prepare(name: str, backend: str, dtype: torch.dtype, device: str, *, backward: bool) -> Callable[[], None]:
    """Make the inputs, and return the forward pass or the backward pass alone."""
    op, shapes = OPS[name]
    torch.manual_seed(0)
    inputs = [torch.randn(shape, device=device).to(dtype).requires_grad_() for shape in shapes]
    out = op(*inputs, backend=backend)
    grad = torch.randn_like(out)

    def run() -> None:
        if backward:
            torch.autograd.grad(out, inputs, grad, retain_graph=True)
        else:
            with torch.no_grad():
                op(*inputs, backend=backend)

    return run


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time forward and backward pass of each op; on a CPU nothing, as no kernel in Triton runs there."""
    if args.device == 'cpu':
        print('kernels in Triton run on a GPU: --device cuda')
        return []
    rows = []
    for name, (_, shapes) in OPS.items():
        if name == 'match_frames' and args.dtype != torch.float32:
            continue
        for backward in (False, True):
            sides = [
                (backend, prepare(name, backend, args.dtype, args.device, backward=backward))
                for backend in ('triton', 'torch')
            ]
            title = f'{name}, {shapes[0]}, {"backward" if backward else "forward"}'
            rows.append(compare(title, *sides, rounds=args.rounds))
    return rows
