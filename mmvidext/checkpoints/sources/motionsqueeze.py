"""Checkpoints of https://github.com/arunos728/MotionSqueeze: TSM with one MotionSqueeze layer."""

from collections.abc import Iterator
from itertools import pairwise

from mmvidext.checkpoints.layout import Entry, apply_layout, classifier, norm, weight, with_prefix
from mmvidext.checkpoints.resnet_layout import (
    ResNetPlan,
    block_entries,
    find_resnet_plan,
    is_wrapped_resnet,
    stem_entries,
)
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['MOTIONSQUEEZE', 'has_motion_squeeze']


def has_motion_squeeze(state_dict: StateDict) -> bool:
    """Whether these are the keys of a network with the official MotionSqueeze layer."""
    convs = [f'base_model.flow_refinement.conv{number}.' for number in range(1, 5)]
    return is_wrapped_resnet(state_dict) and majority(any(conv in name for name in state_dict) for conv in convs)


def _entries(plan: ResNetPlan) -> Iterator[Entry]:
    """Yield the rows of the network without its classifier; it shifts in every block, at every depth."""

    def place(stage: int, index: int) -> tuple[str, str]:
        return (f'layer{stage}.{index}',) * 2

    def conv1(stage: int, index: int) -> tuple[str, str]:
        return 'conv1', 'conv1.conv.net'

    yield from stem_entries()
    yield from block_entries(plan, place, conv1)
    yield from norm('bn2', None, 128)  # the official network has it and never calls it
    yield from _motion_entries(512 if plan.bottleneck else 128)


def _motion_entries(channels: int) -> Iterator[Entry]:
    """Yield the rows of the layer at the end of the second stage."""
    ours = 'layer2.motion_squeeze'
    yield weight('chnl_reduction.0', f'{ours}.channel_reduction.0', (64, channels, 1, 1))
    yield from norm('chnl_reduction.1', f'{ours}.channel_reduction.1', 64)
    for number, (before, after) in enumerate(pairwise((3, 16, 32, 64, channels))):
        theirs, mine = f'flow_refinement.conv{number + 1}', f'{ours}.flow_refinement.{number}'
        size = 7 if number == 0 else 3
        yield weight(f'{theirs}.0', f'{mine}.0', (before, 1, size, size))
        yield from norm(f'{theirs}.1', f'{mine}.1', before)
        yield weight(f'{theirs}.3', f'{mine}.3', (after, before, 1, 1))
        yield from norm(f'{theirs}.4', f'{mine}.4', after)


def _convert(state_dict: StateDict) -> StateDict:
    plan = find_resnet_plan(state_dict, source='motionsqueeze')
    entries = with_prefix(_entries(plan), official='base_model.', ours='backbone.')
    entries += classifier(state_dict, ('new_fc', 'base_model.fc1'), plan.feature_channels, squeeze=True)
    return apply_layout(state_dict, entries, source='motionsqueeze')


MOTIONSQUEEZE = Source(
    'motionsqueeze', 'arunos728/MotionSqueeze: MS-TSM with ResNet-18, -34, -50 or -101', has_motion_squeeze, _convert
)
