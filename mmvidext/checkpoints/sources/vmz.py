"""Checkpoints of https://github.com/facebookresearch/VMZ: its Caffe2 models and the PyTorch versions of its hub.

Caffe2 names count residual blocks through the whole network: ``comp_3_conv_1_w`` is the first convolution of the second
block of the second stage of an 18-layer network. A running variance is called ``riv`` there and is a plain variance.
"""

import re
from collections.abc import Callable, Iterable, Set
from itertools import pairwise

from mmvidext.checkpoints.layout import Entry, apply_layout
from mmvidext.checkpoints.resnet_depths import nearest_counts
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.sources.torchvision_video import convert_video, is_per_conv, is_video
from mmvidext.checkpoints.video_resnet_layout import VideoPlan, stage_kind, video_entries
from mmvidext.checkpoints.votes import majority, most_common

__all__ = ['VMZ']

_STATISTICS = {'weight': 's', 'bias': 'b', 'running_mean': 'rm', 'running_var': 'riv'}
_SECOND_STEM = ('conv1_middle_w', *(f'conv1_middle_spatbn_relu_{statistic}' for statistic in _STATISTICS.values()))


def _is_caffe2(state_dict: StateDict) -> bool:
    return majority(name.startswith('comp_') for name in state_dict)


def _stem_name(part: str, kind: str, factorized: bool) -> str | None:
    conv = {'0': 'conv1_middle' if factorized else 'conv1', '3': 'conv1'}.get(part)
    if conv:
        return f'{conv}_w'
    norm = {'1': 'conv1_middle_spatbn_relu' if factorized else 'conv1_spatbn_relu', '4': 'conv1_spatbn_relu'}[part]
    return f'{norm}_{_STATISTICS[kind]}' if kind in _STATISTICS else None


def _block_name(number: int, rest: str, kind: str) -> str | None:
    """Name a tensor of block ``number``: ``rest`` is for example ``conv2.0.1``, ``kind`` ``running_mean``."""
    if rest.startswith('downsample'):
        base = f'shortcut_projection_{number}'
        return f'{base}_w' if rest.endswith('.0') else _with_statistic(f'{base}_spatbn', kind)
    conv, *inner = rest.split('.')
    index = conv.removeprefix('conv')
    names = {
        ('0',): f'comp_{number}_conv_{index}',
        ('0', '0'): f'comp_{number}_conv_{index}_middle',
        ('0', '3'): f'comp_{number}_conv_{index}',
    }
    if tuple(inner) in names:
        return f'{names[tuple(inner)]}_w'
    suffix = '_middle' if inner == ['0', '1'] else ''
    return _with_statistic(f'comp_{number}_spatbn_{index}{suffix}', kind)


def _with_statistic(base: str, kind: str) -> str | None:
    return f'{base}_{_STATISTICS[kind]}' if kind in _STATISTICS else None


def _caffe2_names(plan: VideoPlan) -> Callable[[str], str | None]:
    """Return the function from our names to Caffe2's."""
    first = [sum(plan.counts[:stage]) for stage in range(4)]

    def rename(name: str) -> str | None:
        place, kind = name.rsplit('.', 1)
        if place.startswith('stem.'):
            return _stem_name(place.removeprefix('stem.'), kind, plan.factorized_stem)
        layer, index, rest = place.split('.', 2)
        return _block_name(first[int(layer[-1]) - 1] + int(index), rest, kind)

    return rename


def _caffe2_kind(blobs: StateDict, blocks: Iterable[int], *, bottleneck: bool) -> str:
    names = [f'comp_{block}_conv_{number}_w' for block in blocks for number in ((2,) if bottleneck else (1, 2))]
    return stage_kind(blobs[name] for name in names if name in blobs)


def _all_blocks(counts: tuple[int, ...]) -> Set[int]:
    return set(range(sum(counts)))


def _convert_caffe2(blobs: StateDict) -> StateDict:
    blocks = {int(match[1]) for name in blobs if (match := re.match(r'comp_(\d+)_', name))}
    bottleneck = majority(
        any(f'comp_{block}_{part}_3_' in name for name in blobs for part in ('conv', 'spatbn')) for block in blocks
    )
    counts = nearest_counts(blocks, _all_blocks, bottleneck=bottleneck)
    if counts is None:
        kind = 'bottlenecks' if bottleneck else 'basic blocks'
        raise ValueError(f'this is not a whole vmz checkpoint: no video ResNet has {len(blocks)} {kind}')
    first = [sum(counts[:stage]) for stage in range(5)]
    plan = VideoPlan(
        counts=counts,
        bottleneck=bottleneck,
        kinds=tuple(_caffe2_kind(blobs, range(*ends), bottleneck=bottleneck) for ends in pairwise(first)),
        factorized_stem=majority(name in blobs for name in _SECOND_STEM),
        per_block=False,
    )
    entries = [*video_entries(plan, _caffe2_names(plan)), *_classifier(blobs, plan.feature_channels)]
    return apply_layout(blobs, entries, source='vmz')


def _classifier(blobs: StateDict, in_features: int) -> list[Entry]:
    """Return the rows of the classifier, whose name carries the number of classes."""
    found = [match for name in blobs if (match := re.fullmatch(r'last_out_L(\d+)_[wb]', name))]
    classes = most_common((int(match[1]) for match in found), 400)
    name = f'last_out_L{classes}'
    return [
        Entry(f'{name}_w', 'cls_head.fc_cls.weight', (classes, in_features)),
        Entry(f'{name}_b', 'cls_head.fc_cls.bias', (classes,)),
    ]


def _convert(state_dict: StateDict) -> StateDict:
    if _is_caffe2(state_dict):
        return _convert_caffe2(state_dict)
    return convert_video(state_dict, source='vmz', per_block=False)


VMZ = Source(
    'vmz',
    'facebookresearch/VMZ and IG-65M: Caffe2 pickles of every ResNet, and R(2+1)D from the PyTorch hub',
    lambda state_dict: _is_caffe2(state_dict) or (is_video(state_dict) and is_per_conv(state_dict)),
    _convert,
)
