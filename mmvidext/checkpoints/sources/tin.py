"""Checkpoints of https://github.com/deepcs233/TIN: temporal interlacing in a ResNet."""

import re
from collections.abc import Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout, classifier, with_prefix
from mmvidext.checkpoints.resnet_layout import (
    ResNetPlan,
    block_entries,
    find_resnet_plan,
    is_wrapped_resnet,
    stem_entries,
)
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.votes import majority, most_common

__all__ = ['TIN', 'has_interlacing']

_GROUPS = 2
_BIAS_NET = '.net1.biasnet.net'


def has_interlacing(state_dict: StateDict) -> bool:
    """Whether these are the keys of a network whose first convolutions interlace."""
    first_convs = [name for name in state_dict if '.conv1.' in name]
    return is_wrapped_resnet(state_dict) and majority('.conv1.net1.' in name for name in first_convs)


def _num_segments(state_dict: StateDict) -> int | None:
    """Return the number of frames that most blocks have."""
    matrices = [tensor for name, tensor in state_dict.items() if name.endswith(f'{_BIAS_NET}.fc.weight')]
    return most_common((matrix.shape[0] for matrix in matrices if matrix.ndim == 2), None)


def _shift_div(state_dict: StateDict) -> int:
    """Return what part of the channels most blocks interlace: one in so many."""
    end = f'{_BIAS_NET}.conv.weight'
    pairs = [
        (tensor.shape[1], state_dict[after].shape[1])
        for name, tensor in state_dict.items()
        if name.endswith(end) and tensor.ndim == 3
        if (after := f'{name.removesuffix(end)}.net2.weight') in state_dict and state_dict[after].ndim == 4
    ]
    return most_common((channels // part for part, channels in pairs if 0 < part <= channels), 4)


def _interlace_entries(block: str, channels: int, num_segments: int | None) -> Iterator[Entry]:
    """Yield the rows of the two small networks in front of a block's first convolution."""
    theirs, ours = f'{block}.conv1.net1', f'{block}.conv1.conv.net1'
    layers = [
        ('biasnet.net.conv', 'offset_net.conv', (1, channels, 3)),
        ('biasnet.net.fc', 'offset_net.fc1', (num_segments, num_segments)),
        ('biasnet.net.lastlayer', 'offset_net.fc2', (_GROUPS, num_segments)),
        ('weightnet.net.lastlayer', 'weight_net.conv', (_GROUPS, channels, 3)),
    ]
    for official, name, shape in layers:
        yield Entry(f'{theirs}.{official}.weight', f'{ours}.{name}.weight', shape)
        yield Entry(f'{theirs}.{official}.bias', f'{ours}.{name}.bias', shape[:1])


def _entries(plan: ResNetPlan, state_dict: StateDict) -> Iterator[Entry]:
    """Yield the rows of the network without its classifier."""
    num_segments, shift_div = _num_segments(state_dict), _shift_div(state_dict)

    def place(stage: int, index: int) -> tuple[str, str]:
        return (f'layer{stage}.{index}',) * 2

    def conv1(stage: int, index: int) -> tuple[str, str]:
        return 'conv1.net2', 'conv1.conv.net2'

    yield from stem_entries()
    for entry in block_entries(plan, place, conv1):
        yield entry
        if match := re.fullmatch(r'(layer\d\.\d+)\.conv1\.net2\.weight', entry.official):
            yield from _interlace_entries(match[1], (entry.shape[1] or 0) // shift_div, num_segments)


def _convert(state_dict: StateDict) -> StateDict:
    plan = find_resnet_plan(state_dict, source='tin')
    entries = with_prefix(_entries(plan, state_dict), official='base_model.', ours='backbone.')
    entries += classifier(state_dict, ('new_fc', 'base_model.fc'), plan.feature_channels)
    return apply_layout(state_dict, entries, source='tin')


TIN = Source('tin', 'deepcs233/TIN: temporal interlacing networks', has_interlacing, _convert)
