"""Checkpoints of https://github.com/arunos728/MotionSqueeze: TSM with one MotionSqueeze layer.

The shift leaves no mark in its names; every block has one, at every depth.
"""

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import HEAD, IMAGENET_INPUT, RESNET, Source
from mmvidext.checkpoints.sources.tsm import WRAPPED

__all__ = ['MOTIONSQUEEZE']

_LAYER = 'backbone.layer2.motion_squeeze'


def _squeeze_classifier(weights: StateDict) -> StateDict:
    """Turn the classifier, a convolution of size 1 there, into a linear layer."""
    name = f'{HEAD}weight'
    if name not in weights or weights[name].ndim != 3 or weights[name].shape[2] != 1:
        return weights
    return {**weights, name: weights[name].squeeze(2)}


MOTIONSQUEEZE = Source(
    'motionsqueeze',
    'arunos728/MotionSqueeze: MS-TSM with ResNet-18, -34, -50 or -101',
    lambda weights: any(name.startswith(('base_model.flow_refinement', 'base_model.chnl_red')) for name in weights),
    (
        (r'^base_model\.bn2\.(weight|bias|running_mean|running_var|num_batches_tracked)$', None),
        (r'^base_model\.fc1\.', HEAD),
        (r'^base_model\.chnl_reduction\.', f'{_LAYER}.channel_reduction.'),
        *((rf'^base_model\.flow_refinement\.conv{n}\.', f'{_LAYER}.flow_refinement.{n - 1}.') for n in range(1, 5)),
        (r'^(base_model\.layer\d\.\d+\.conv1)\.(?=weight$)', r'\1.net.'),
        *WRAPPED,
        *RESNET,
    ),
    _squeeze_classifier,
    settings={
        **IMAGENET_INPUT,
        'TemporalShift': dict(shift_div=8, causal=False),
        'MotionSqueeze': dict(max_displacement=7, sigma=5.0, temperature=0.01),
    },
)
