"""Checkpoints of https://github.com/facebookresearch/VMZ: its Caffe2 models and the PyTorch versions of its hub.

Caffe2 names count residual blocks through the whole network: ``comp_3_conv_1_w`` is the first convolution of the second
block of the second stage of an 18-layer network. A running variance is called ``riv`` there and is a plain variance.
"""

import re
from collections.abc import Collection

from mmvidext.checkpoints.source import HEAD, KINETICS_INPUT, Rules, Source
from mmvidext.checkpoints.sources.torchvision_video import RULES, is_per_conv, is_video

__all__ = ['VMZ_CAFFE2', 'VMZ_HUB']

_SETTINGS = {**KINETICS_INPUT, '_BatchNorm': dict(eps=1e-3)}
# a convolution is one tensor, or where it is factorized two with a norm in between
_RULES: Rules = (
    (r'^last_out_L\d+', HEAD.removesuffix('.')),
    (r'_s$', '.weight'),
    (r'_b$', '.bias'),
    (r'_rm$', '.running_mean'),
    (r'_riv$', '.running_var'),
    (r'_w$', '.weight'),
    (r'^conv1_middle(?=\.)', 'backbone.stem.0'),
    (r'^conv1_middle_spatbn_relu(?=\.)', 'backbone.stem.1'),
    (r'^conv1(?=\.)', ('backbone.stem.3', 'backbone.stem.0')),
    (r'^conv1_spatbn_relu(?=\.)', ('backbone.stem.4', 'backbone.stem.1')),
    (r'\.conv_(\d)_middle(?=\.)', r'.conv\1.0.0'),
    (r'\.spatbn_(\d)_middle(?=\.)', r'.conv\1.0.1'),
    (r'\.conv_(\d)(?=\.)', (r'.conv\1.0.3', r'.conv\1.0')),
    (r'\.spatbn_(\d)(?=\.)', r'.conv\1.1'),
    (r'\.projection_spatbn(?=\.)', '.downsample.1'),
    (r'\.projection(?=\.)', '.downsample.0'),
)


def _rules(own: Collection[str]) -> Rules:
    """Return the rules for a model with the blocks that its names tell."""
    found = {match[0] for name in own if (match := re.match(r'backbone\.layer\d\.\d+', name))}
    blocks = sorted(found, key=lambda block: [int(number) for number in re.findall(r'\d+', block)])
    places = [
        (rf'^{official}_{number}_', f'{block}.{ours}')
        for number, block in enumerate(blocks)
        for official, ours in (('comp', ''), ('shortcut_projection', 'projection_'))
    ]
    return (*places, *_RULES)


VMZ_CAFFE2 = Source(
    'vmz',
    'facebookresearch/VMZ and IG-65M: Caffe2 pickles of every ResNet, and R(2+1)D from the PyTorch hub',
    lambda weights: any(name.startswith('comp_') for name in weights),
    _rules,
    settings=_SETTINGS,
)
VMZ_HUB = Source(
    'vmz',
    'facebookresearch/VMZ: R(2+1)D from the PyTorch hub',
    lambda weights: is_video(weights) and is_per_conv(weights),
    RULES,
    settings=_SETTINGS,
)
