"""The MobileNetV2 of the official TSM repository: trained on clips, or exported for its online demonstration.

The former is wrapped as the ResNets are (``base_model.features.*``, ``new_fc``, ``.net`` where it shifts); the latter
is a bare network (``features.*``, ``classifier``) whose code shifts without any mark in the names.
"""

import re
from collections.abc import Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout, classifier, norm, weight
from mmvidext.checkpoints.source import StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['convert_mobilenet', 'is_mobilenet']

# expansion, channels, blocks of each stage
_STAGES = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
# torchvision's has one level more: features.2.conv.0.0.weight
_IN_BLOCK = re.compile(r'(base_model\.)?features\.\d+\.conv\.\d\.(net\.)?\w+$')
_NUM_SHIFTS = 10


def is_mobilenet(state_dict: StateDict) -> bool:
    """Whether these are the keys of the official MobileNetV2, with or without the wrapper."""
    return majority(bool(_IN_BLOCK.match(name)) for name in state_dict)


def _conv_norm(official: tuple[str, str], ours: str, shape: tuple[int | None, ...], channels: int) -> Iterator[Entry]:
    yield weight(official[0], f'{ours}.conv', shape)
    yield from norm(official[1], f'{ours}.bn', channels)


def _block(theirs: str, ours: str, sizes: tuple[int, int, int], net: tuple[str, str]) -> Iterator[Entry]:
    """Yield the rows of one inverted residual; ``net`` is what the shift adds to the first layer's names."""
    in_channels, hidden, out_channels = sizes
    first = 0
    if hidden != in_channels:
        names = (f'{theirs}.conv.0{net[0]}', f'{theirs}.conv.1')
        yield from _conv_norm(names, f'{ours}.conv.0{net[1]}', (hidden, in_channels, 1, 1), hidden)
        first = 1
    depthwise, pointwise = 3 * first, 3 * first + 3
    names = (f'{theirs}.conv.{depthwise}', f'{theirs}.conv.{depthwise + 1}')
    yield from _conv_norm(names, f'{ours}.conv.{first}', (hidden, 1, 3, 3), hidden)
    names = (f'{theirs}.conv.{pointwise}', f'{theirs}.conv.{pointwise + 1}')
    yield from _conv_norm(names, f'{ours}.conv.{first + 1}', (out_channels, hidden, 1, 1), out_channels)


def _entries(prefix: str, *, shifted: bool, marked: bool) -> Iterator[Entry]:
    """Yield all rows but the classifier's; ``marked`` is whether ``.net`` stands in the official names."""
    place = f'{prefix}features'
    yield from _conv_norm((f'{place}.0.0', f'{place}.0.1'), 'backbone.conv1', (32, None, 3, 3), 32)
    channels, number = 32, 1
    for stage, (expansion, out_channels, count) in enumerate(_STAGES, start=1):
        for index in range(count):
            shift = shifted and expansion > 1 and index > 0
            net = ('.net' if shift and marked else '', '.net' if shift else '')
            sizes = (channels, channels * expansion, out_channels)
            yield from _block(f'{place}.{number}', f'backbone.layer{stage}.{index}', sizes, net)
            channels, number = out_channels, number + 1
    yield from _conv_norm((f'{place}.18.0', f'{place}.18.1'), 'backbone.conv2', (1280, 320, 1, 1), 1280)


def convert_mobilenet(state_dict: StateDict) -> StateDict:
    """Bring the official MobileNetV2 into the layout of ``MobileNetV2TSM``."""
    online = majority(name.startswith('features.') for name in state_dict)
    prefix = '' if online else 'base_model.'
    marked = 2 * sum('.conv.0.net.' in name for name in state_dict) > _NUM_SHIFTS
    entries = [
        *_entries(prefix, shifted=online or marked, marked=marked),
        *classifier(state_dict, ('new_fc', f'{prefix}classifier'), 1280),
    ]
    return apply_layout(state_dict, entries, source='tsm')
