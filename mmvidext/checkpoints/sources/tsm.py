"""Checkpoints of https://github.com/mit-han-lab/temporal-shift-module: ResNets, and the MobileNetV2 of its demos.

Temporal shift, with ``blockres`` (in every block, in every second one from 101 layers on) or ``block`` placement, with
non-local blocks and with temporal pooling are all read off the keys. So is the 2D baseline, which has no shift.
"""

import re
from collections.abc import Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout, classifier, norm, with_prefix
from mmvidext.checkpoints.resnet_layout import (
    ResNetPlan,
    block_entries,
    find_resnet_plan,
    is_wrapped_resnet,
    stem_entries,
)
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.sources.motionsqueeze import has_motion_squeeze
from mmvidext.checkpoints.sources.tin import has_interlacing
from mmvidext.checkpoints.sources.tsm_mobilenet import convert_mobilenet, is_mobilenet
from mmvidext.checkpoints.votes import majority

__all__ = ['TSM']

_NON_LOCAL_BLOCKS = {(2, 0), (2, 2), (3, 0), (3, 2), (3, 4)}
_SHIFTED_CONV = re.compile(r'\.\d*[02468]\.(block\.)?(net\.)?conv1\.(net\.)?weight$')  # at every depth


def _recognise(state_dict: StateDict) -> bool:
    if is_mobilenet(state_dict):
        return True
    return is_wrapped_resnet(state_dict) and not has_motion_squeeze(state_dict) and not has_interlacing(state_dict)


def _non_local_entries(theirs: str, ours: str, channels: int) -> Iterator[Entry]:
    """Yield the rows of one embedded-Gaussian non-local block."""
    half = channels // 2
    convs = [
        ('g.0', 'g.0.conv', half, channels),
        ('phi.0', 'phi.0.conv', half, channels),
        ('theta', 'theta.conv', half, channels),
        ('W.0', 'conv_out.conv', channels, half),
    ]
    for official, name, out_channels, in_channels in convs:
        place = f'{theirs}.nl.{official}', f'{ours}.non_local_block.{name}'
        yield Entry(f'{place[0]}.weight', f'{place[1]}.weight', (out_channels, in_channels, 1, 1, 1))
        yield Entry(f'{place[0]}.bias', f'{place[1]}.bias', (out_channels,))
    yield from norm(f'{theirs}.nl.W.1', f'{ours}.non_local_block.conv_out.bn', channels)


def _resnet_entries(plan: ResNetPlan, state_dict: StateDict) -> Iterator[Entry]:
    """Yield the rows of the network without its classifier."""
    pooled = majority('.layer2.net.' in name for name in state_dict if '.layer2.' in name)
    first_convs = [name for name in state_dict if _SHIFTED_CONV.search(name)]
    around_blocks = majority('.net.conv1.' in name for name in first_convs)
    shifted = majority('.conv1.net.' in name for name in first_convs)
    every = 2 if plan.counts[2] >= 23 else 1

    def stage_name(stage: int) -> str:
        return f'layer{stage}.net' if pooled and stage == 2 else f'layer{stage}'

    non_local = majority(
        any(f'{stage_name(stage)}.{index}.nl.' in name for name in state_dict) for stage, index in _NON_LOCAL_BLOCKS
    )

    def place(stage: int, index: int) -> tuple[str, str]:
        inner = '.block' if non_local and (stage, index) in _NON_LOCAL_BLOCKS else ''
        inner += '.net' if around_blocks else ''
        return (f'{stage_name(stage)}.{index}{inner}',) * 2

    def conv1(stage: int, index: int) -> tuple[str, str]:
        inner = '.net' if shifted and index % every == 0 else ''
        return f'conv1{inner}', f'conv1.conv{inner}'

    yield from stem_entries()
    yield from block_entries(plan, place, conv1)
    for stage, index in sorted(_NON_LOCAL_BLOCKS) if non_local else []:
        block = f'{stage_name(stage)}.{index}'
        yield from _non_local_entries(block, block, 256 * 2 ** (stage - 1))


def _fold_output_bias(converted: StateDict) -> StateDict:
    """Move the bias in front of a batch norm, which our non-local block does not have, into its running mean."""
    suffix = 'non_local_block.conv_out.conv.bias'
    for name in [name for name in converted if name.endswith(suffix)]:
        mean = name.replace('conv.bias', 'bn.running_mean')
        converted[mean] = converted[mean] - converted.pop(name)
    return converted


def _convert(state_dict: StateDict) -> StateDict:
    if is_mobilenet(state_dict):
        return convert_mobilenet(state_dict)
    plan = find_resnet_plan(state_dict, source='tsm')
    entries = with_prefix(_resnet_entries(plan, state_dict), official='base_model.', ours='backbone.')
    # trained without dropout, the network's own last layer is the classifier
    entries += classifier(state_dict, ('new_fc', 'base_model.fc'), plan.feature_channels)
    return _fold_output_bias(apply_layout(state_dict, entries, source='tsm'))


TSM = Source(
    'tsm',
    'mit-han-lab/temporal-shift-module: TSN and TSM, ResNet and MobileNetV2 (offline, online)',
    _recognise,
    _convert,
)
