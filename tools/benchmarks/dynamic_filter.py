"""dynamic_filter against the op that forms every kernel, and the LS-DFN layer against two 5x5 convolutions.

The naive op does what the equations say: it forms each position's ``C' x C x k*k`` kernel, applies it to every sample,
and averages. It runs as a batched matrix product, the fastest of the plain forms. The last rows compare one sample
with s*s samples: the ratio of the times is far below the ratio of the samples.
"""

import argparse
import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from benchmarks.timing import Comparison, compare, peak_memories
from torch import Tensor, nn

from mmvidext.layers import DynamicFilter
from mmvidext.ops import dynamic_filter

OUTPUTS, KERNEL_SIZE = 24, 3
Sizes = tuple[int, int, int]  # channels, height, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--size', type=int, nargs=3, default=(256, 64, 128), metavar=('C', 'H', 'W'))
    parser.add_argument('--num-samples', type=int, default=5)
    parser.add_argument('--sample-stride', type=int, default=3)
    parser.add_argument(
        '--naive-size', type=int, nargs=3, default=(256, 16, 32), metavar=('C', 'H', 'W'), help='beside the naive op'
    )
    parser.add_argument('--naive-rounds', type=int, default=2, help='timed calls beside the naive op, which is slow')


def naive_dynamic_filter(
    feature: Tensor,
    spatial: Tensor,
    channel: Tensor,
    position: Tensor,
    sample: Tensor,
    *,
    kernel_size: int,
    num_samples: int,
    sample_stride: int,
) -> Tensor:
    """Form all kernels, position by position, then filter sample by sample."""
    batch, channels, height, width = feature.shape
    taps, area = kernel_size**2, height * width

    def at_positions(maps: Tensor, *shape: int) -> Tensor:
        return maps.flatten(2).transpose(1, 2).contiguous().view(batch, area, *shape)

    residual = torch.zeros(taps, device=feature.device, dtype=feature.dtype)
    residual[taps // 2] = 1
    centered = (at_positions(channel, -1, channels, 1) + 1 / channels) * residual
    kernel = at_positions(spatial, -1, 1, taps) + centered  # (N, H*W, C', C, k*k)
    kernel = (kernel * (1 + at_positions(position, 1, 1, taps))).flatten(3)
    border = kernel_size // 2 + sample_stride * (num_samples - 1) // 2
    padded = F.pad(feature, (border,) * 4).permute(0, 2, 3, 1).contiguous()
    patches = padded.unfold(1, kernel_size, 1).unfold(2, kernel_size, 1)  # (N, H + 2r, W + 2r, C, k, k)
    fused: Tensor = torch.zeros((), device=feature.device)
    for row in range(num_samples):  # a row of samples at once: a matrix product instead of matrix times vector
        rows = patches[:, row * sample_stride : row * sample_stride + height]
        columns = [rows[:, :, start : start + width] for start in range(0, num_samples * sample_stride, sample_stride)]
        sampled = torch.stack([column.reshape(batch, area, -1) for column in columns], dim=3)  # (N, H*W, C*k*k, s)
        filtered = torch.matmul(kernel, sampled)  # (N, H*W, C', s)
        weights = 1 + at_positions(sample[:, row * num_samples : (row + 1) * num_samples], 1, num_samples)
        fused = fused + (weights * filtered).sum(dim=3)
    return (fused / num_samples**2).transpose(1, 2).reshape(batch, -1, height, width)


def make_call(
    op: Callable[..., Tensor],
    sizes: Sizes,
    num_samples: int,
    sample_stride: int,
    *,
    backward: bool,
    device: str,
    dtype: torch.dtype,
) -> Callable[[], Any]:
    """Prepare inputs and return one call of the op, with or without its backward pass."""
    channels, height, width = sizes
    generator = torch.Generator().manual_seed(0)
    counts = channels, OUTPUTS * KERNEL_SIZE**2, OUTPUTS * channels, KERNEL_SIZE**2, num_samples**2
    inputs = [torch.randn(1, n, height, width, generator=generator).mul_(0.1).to(device, dtype) for n in counts]
    settings = dict(kernel_size=KERNEL_SIZE, num_samples=num_samples, sample_stride=sample_stride)
    return _make_runner(lambda: op(*inputs, **settings), inputs, backward=backward)


def make_layer_call(which: str, sizes: Sizes, settings: dict[str, int], *, backward: bool) -> Callable[[], Any]:
    """Prepare the LS-DFN layer or two 5x5 convolutions, and return one call."""
    device = str(settings['device'])
    channels, height, width = sizes
    module: nn.Module
    if which == 'layer':
        samples = dict(num_samples=settings['num_samples'], sample_stride=settings['sample_stride'])
        module = DynamicFilter(channels, channels, feature_channels=channels, **samples)
    else:
        module = nn.Sequential(*[nn.Conv2d(channels, channels, 5, padding=2) for _ in range(2)])
    module.to(device)
    x = torch.randn(1, channels, height, width, device=device)
    return _make_runner(lambda: module(x), [x, *module.parameters()], backward=backward)


def _make_runner(function: Callable[[], Tensor], leaves: list[Tensor], *, backward: bool) -> Callable[[], Any]:
    if not backward:
        return torch.no_grad()(function)
    for leaf in leaves:
        leaf.requires_grad_()

    def run_both() -> None:
        for leaf in leaves:
            leaf.grad = None
        function().sum().backward()

    return run_both


def run(args: argparse.Namespace) -> list[Comparison]:
    """Measure all rows."""
    sizes = tuple(args.size)
    rows, sides = [], []
    for backward in (False, True):  # memory first: a process reports no peak below what its parent held at its start
        suffix = ', forward and backward' if backward else ', forward'
        ours, naive = (
            functools.partial(
                make_call,
                op,
                tuple(args.naive_size),
                args.num_samples,
                args.sample_stride,
                backward=backward,
                device=args.device,
                dtype=args.dtype,
            )
            for op in (dynamic_filter, naive_dynamic_filter)
        )
        sides.append((suffix, ours, naive, peak_memories(ours, naive)))
    for suffix, ours, naive, peaks in sides:
        both = ('dynamic_filter', ours()), ('naive op', naive())
        at = 'x'.join(map(str, args.naive_size))
        rows.append(compare(f'op, {at}{suffix}', *both, rounds=args.naive_rounds, warmup=1, peaks=peaks))
    for backward in (False, True):
        suffix = ', forward and backward' if backward else ', forward'
        settings = dict(num_samples=args.num_samples, sample_stride=args.sample_stride, device=args.device)
        ours, other = (
            functools.partial(make_layer_call, which, sizes, settings, backward=backward)
            for which in ('layer', 'convolutions')
        )
        both = ('LS-DFN layer', ours()), ('two 5x5 convolutions', other())
        rows.append(compare(f'layer{suffix}', *both, rounds=args.rounds))
    for num_samples in (3, 5, 7):
        one, many = (
            make_call(
                dynamic_filter, sizes, count, args.sample_stride, backward=False, device=args.device, dtype=args.dtype
            )
            for count in (1, num_samples)
        )
        both = ('1 sample', one), (f'{num_samples**2} samples', many)
        rows.append(compare('op, forward', *both, rounds=args.rounds))
    return rows
