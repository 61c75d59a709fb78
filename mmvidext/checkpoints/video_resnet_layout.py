"""The layout of :class:`mmvidext.models.backbones.VideoResNet`, whose names torchvision and VMZ's PyTorch hub use."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from mmvidext.checkpoints.layout import Entry, norm, weight
from mmvidext.checkpoints.votes import most_common

__all__ = ['VideoPlan', 'stage_kind', 'video_entries']

_KINDS = {(3, 3, 3): '3d', (1, 3, 3): '2d', (3, 1, 1): 'factorized'}


def _mid_channels(in_channels: int, out_channels: int) -> int:
    return 27 * in_channels * out_channels // (9 * in_channels + 3 * out_channels)


@dataclass(frozen=True)
class VideoPlan:
    """Which video network it is.

    Attributes:
        counts: Blocks of each stage.
        bottleneck: Whether they are bottlenecks.
        kinds: Convolution of each stage: ``'2d'``, ``'3d'`` or ``'factorized'``.
        factorized_stem: Whether the stem is factorised as well.
        per_block: Whether all factorised convolutions of a block have one width in between, as in torchvision.
    """

    counts: tuple[int, ...]
    bottleneck: bool
    kinds: tuple[str, ...]
    factorized_stem: bool
    per_block: bool

    @property
    def feature_channels(self) -> int:
        """Channels of the last stage."""
        return 2048 if self.bottleneck else 512


def stage_kind(weights: Iterable[Tensor]) -> str:
    """Return the convolution of a stage: what the kernels of most of its blocks tell.

    Args:
        weights: Of the factorised convolutions, those of the temporal half.
    """
    sizes = [tuple(weight.shape[2:]) for weight in weights]
    return most_common((_KINDS[size] for size in sizes if size in _KINDS), '2d')


def _conv(name: str, kind: str, channels: tuple[int, int], mid: int) -> Iterator[Entry]:
    """Yield the rows of one convolution of a block."""
    in_channels, out_channels = channels
    if kind == 'factorized':
        yield weight(f'{name}.0', f'{name}.0', (mid, in_channels, 1, 3, 3))
        yield from norm(f'{name}.1', f'{name}.1', mid)
        yield weight(f'{name}.3', f'{name}.3', (out_channels, mid, 3, 1, 1))
    else:
        yield weight(name, name, (out_channels, in_channels, 3 if kind == '3d' else 1, 3, 3))


def _block(plan: VideoPlan, block: str, kind: str, channels: tuple[int, int]) -> Iterator[Entry]:
    """Yield the rows of one block with ``channels`` before it and inside it, without its shortcut."""
    in_channels, width = channels

    def mid(first: int) -> int:
        return _mid_channels(in_channels if plan.per_block else first, width)

    if plan.bottleneck:
        yield weight(f'{block}.conv1.0', f'{block}.conv1.0', (width, in_channels, 1, 1, 1))
        yield from norm(f'{block}.conv1.1', f'{block}.conv1.1', width)
        yield from _conv(f'{block}.conv2.0', kind, (width, width), mid(width))
        yield from norm(f'{block}.conv2.1', f'{block}.conv2.1', width)
        yield weight(f'{block}.conv3.0', f'{block}.conv3.0', (4 * width, width, 1, 1, 1))
        yield from norm(f'{block}.conv3.1', f'{block}.conv3.1', 4 * width)
        return
    for number, before in enumerate((in_channels, width), start=1):
        name = f'{block}.conv{number}'
        yield from _conv(f'{name}.0', kind, (before, width), mid(before))
        yield from norm(f'{name}.1', f'{name}.1', width)


def _stem(plan: VideoPlan) -> Iterator[Entry]:
    if plan.factorized_stem:
        yield weight('stem.0', 'stem.0', (45, None, 1, 7, 7))
        yield from norm('stem.1', 'stem.1', 45)
        yield weight('stem.3', 'stem.3', (64, 45, 3, 1, 1))
        yield from norm('stem.4', 'stem.4', 64)
    else:
        yield weight('stem.0', 'stem.0', (64, None, None, 7, 7))
        yield from norm('stem.1', 'stem.1', 64)


def _shortcut(block: str, in_channels: int, out_channels: int) -> Iterator[Entry]:
    yield weight(f'{block}.downsample.0', f'{block}.downsample.0', (out_channels, in_channels, 1, 1, 1))
    yield from norm(f'{block}.downsample.1', f'{block}.downsample.1', out_channels)


def video_entries(plan: VideoPlan, rename: Callable[[str], str | None] | None = None) -> list[Entry]:
    """Return the rows of the network without its classifier.

    Args:
        plan: Which network it is.
        rename: The official name of a tensor, given ours without ``backbone.``, or None where the official format has
            no such tensor. Without it the names are the same.
    """
    rows = [*_stem(plan)]
    channels = 64
    for stage, count in enumerate(plan.counts):
        width = 64 * 2**stage
        out_channels = 4 * width if plan.bottleneck else width
        for index in range(count):
            block = f'layer{stage + 1}.{index}'
            rows += _block(plan, block, plan.kinds[stage], (channels, width))
            if index == 0 and (stage > 0 or channels != out_channels):
                rows += _shortcut(block, channels, out_channels)
            channels = out_channels
    entries = []
    for row in rows:
        official = rename(row.official) if rename else row.official
        if official is not None:
            entries.append(Entry(official, f'backbone.{row.ours}', row.shape, row.optional))
    return entries
