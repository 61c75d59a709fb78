"""Checkpoints of https://github.com/deepcs233/TIN: temporal interlacing in a ResNet."""

import re
from collections.abc import Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout, linear, with_prefix
from mmvidext.checkpoints.resnet_layout import ResNetPlan, block_entries, find_resnet_plan, stem_entries
from mmvidext.checkpoints.source import Source, StateDict

__all__ = ['TIN']

_GROUPS = 2
_FIRST_CONV = 'base_model.layer1.0.conv1.net1.biasnet.net.conv.weight'


def _recognise(state_dict: StateDict) -> bool:
    return any('.net1.biasnet.' in name for name in state_dict)


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
    fc = state_dict.get('base_model.layer1.0.conv1.net1.biasnet.net.fc.weight')
    conv = state_dict.get(_FIRST_CONV)
    num_segments = None if fc is None else fc.shape[0]
    shift_div = 4 if conv is None else 64 // conv.shape[1]

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
    classifier = 'base_model.fc' if 'base_model.fc.weight' in state_dict else 'new_fc'
    entries += linear(classifier, 'cls_head.fc_cls', plan.feature_channels)
    return apply_layout(state_dict, entries, source='tin')


TIN = Source('tin', 'deepcs233/TIN: temporal interlacing networks', _recognise, _convert)
