"""The MobileNetV2 of the official TSM repository: trained on clips, or exported for its online demonstration.

The former is wrapped as the ResNets are (``base_model.features.*``, ``new_fc``, ``.net`` where it shifts); the latter
is a bare network (``features.*``, ``classifier``) whose code shifts without any mark in the names.
"""

import re
from dataclasses import replace

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import HEAD, Rules, Source
from mmvidext.checkpoints.sources.tsm import SETTINGS

__all__ = ['TSM_MOBILENET', 'TSM_MOBILENET_ONLINE']

_COUNTS = (1, 2, 3, 4, 3, 3, 1)  # blocks of each stage; the official names count through
_BLOCKS = [f'layer{stage}.{index}' for stage, count in enumerate(_COUNTS, 1) for index in range(count)]
_IN_BLOCK = re.compile(r'features\.\d+\.conv\.\d\.(net\.)?\w+$')
_TORCHVISION = re.compile(r'features\.\d+\.conv\.\d\.\d\.')  # has one level more


def _block_rules() -> Rules:
    """Return the rules of the blocks: in the first one the depthwise layer comes first."""
    first = r'^(backbone\.layer1\.0\.conv)'
    others = r'^(backbone\.layer[2-7]\.\d\.conv)'
    rules = [(rf'^features\.{number}\.', f'backbone.{block}.') for number, block in enumerate(_BLOCKS, 1)]
    for block, layer, shift in ((first, 0, 0), (first, 3, 1), (others, 3, 1), (others, 6, 2)):
        # `|` keeps a name that is renamed already from being renamed again
        rules += [(rf'{block}\.{layer}\.(?=\w+$)', rf'\1|{shift}.conv.')]
        rules += [(rf'{block}\.{layer + 1}\.(?=\w+$)', rf'\1|{shift}.bn.')]
    return (*rules, (rf'{others}\.0\.(net\.)?(?=\w+$)', r'\1|0.\2conv.'))


_NORM_OF_FIRST: Rules = ((r'^(backbone\.layer[2-7]\.\d\.conv)\.1\.(?=\w+$)', (r'\1|0.net.bn.', r'\1|0.bn.')),)
_AROUND: Rules = (
    (r'^(new_fc|base_model\.classifier|classifier)\.', HEAD),
    (r'^base_model\.', ''),
    (r'^features\.0\.0\.', 'backbone.conv1.conv.'),
    (r'^features\.0\.1\.', 'backbone.conv1.bn.'),
    (r'^features\.18\.0\.', 'backbone.conv2.conv.'),
    (r'^features\.18\.1\.', 'backbone.conv2.bn.'),
)
_RULES = (*_AROUND, *_block_rules(), *_NORM_OF_FIRST, (r'\|', '.'))
_UNMARKED: Rules = ((r'(?<=\.conv\.0)\.conv\.', ('.net.conv.', '.conv.')),)


def _is_of(weights: StateDict, start: str) -> bool:
    mine = [name.removeprefix(start) for name in weights if name.startswith(start)]
    return any(map(_IN_BLOCK.match, mine)) and not any(map(_TORCHVISION.match, mine))


TSM_MOBILENET = Source(
    'tsm',
    'mit-han-lab/temporal-shift-module: MobileNetV2 trained on clips',
    lambda weights: _is_of(weights, 'base_model.'),
    _RULES,
    settings=SETTINGS,
)
TSM_MOBILENET_ONLINE = replace(
    TSM_MOBILENET,
    summary='mit-han-lab/temporal-shift-module: MobileNetV2 of the online demonstration',
    recognize=lambda weights: _is_of(weights, ''),
    rules=(*_RULES, *_UNMARKED),
    settings={**SETTINGS, 'TemporalShift': dict(shift_div=8, causal=True)},
)
