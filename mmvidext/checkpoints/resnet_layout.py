"""The layout of a 2D ResNet inside an official recogniser, shared by TSM, MotionSqueeze and TIN.

Official names are torchvision's (``layer1.0.conv1.weight``, ``layer1.0.bn1.weight``, ``downsample.0``); ours are
those of mmaction2 (``layer1.0.conv1.conv.weight``, ``layer1.0.conv1.bn.weight``, ``downsample.conv``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmvidext.checkpoints.layout import Entry, norm, weight
from mmvidext.checkpoints.resnet_depths import find_depth
from mmvidext.checkpoints.source import StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['ResNetPlan', 'block_entries', 'find_resnet_plan', 'is_wrapped_resnet', 'stem_entries']


@dataclass(frozen=True)
class ResNetPlan:
    """Which ResNet it is: blocks of each stage, and whether they are bottlenecks."""

    counts: tuple[int, ...]
    bottleneck: bool

    @property
    def feature_channels(self) -> int:
        """Channels of the last stage."""
        return 2048 if self.bottleneck else 512


def is_wrapped_resnet(state_dict: StateDict) -> bool:
    """Whether these are the keys of a ResNet in the wrapper that the official recognisers share."""
    return majority(name.startswith('base_model.layer') for name in state_dict)


def find_resnet_plan(state_dict: StateDict, *, source: str) -> ResNetPlan:
    """Read the depth off the keys.

    Raises:
        ValueError: If the blocks are not nearly those of a ResNet.
    """
    counts, bottleneck = find_depth(state_dict, source=source)
    return ResNetPlan(counts, bottleneck)


def stem_entries() -> Iterator[Entry]:
    """Yield the rows of the first convolution; optical flow has other input channels than RGB."""
    yield weight('conv1', 'conv1.conv', (64, None, 7, 7))
    yield from norm('bn1', 'conv1.bn', 64)


def block_entries(
    plan: ResNetPlan, place: Callable[[int, int], tuple[str, str]], conv1: Callable[[int, int], tuple[str, str]]
) -> Iterator[Entry]:
    """Yield the rows of all blocks.

    Args:
        plan: The depth.
        place: Official and our name of block ``(stage, index)``; stages count from 1.
        conv1: What official and our name of a block's first convolution end in, between the block and ``.weight``.
    """
    channels = 64
    for stage, count in enumerate(plan.counts, start=1):
        width = 64 * 2 ** (stage - 1)
        out_channels = width * (4 if plan.bottleneck else 1)
        for index in range(count):
            theirs, ours = place(stage, index)
            shapes = [(width, channels, 3, 3), (width, width, 3, 3)]
            if plan.bottleneck:
                shapes = [(width, channels, 1, 1), (width, width, 3, 3), (out_channels, width, 1, 1)]
            for number, shape in enumerate(shapes, start=1):
                names = (f'conv{number}', f'conv{number}.conv') if number > 1 else conv1(stage, index)
                yield weight(f'{theirs}.{names[0]}', f'{ours}.{names[1]}', shape)
                yield from norm(f'{theirs}.bn{number}', f'{ours}.conv{number}.bn', shape[0])
            if index == 0 and (stage > 1 or channels != out_channels):
                yield weight(f'{theirs}.downsample.0', f'{ours}.downsample.conv', (out_channels, channels, 1, 1))
                yield from norm(f'{theirs}.downsample.1', f'{ours}.downsample.bn', out_channels)
            channels = out_channels
