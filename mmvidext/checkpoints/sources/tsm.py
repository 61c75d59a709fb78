"""Checkpoints of https://github.com/mit-han-lab/temporal-shift-module: ResNets with and without shift.

Placement of the shift, non-local blocks and temporal pooling stand in the names, and so in those of our model.
"""

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import HEAD, IMAGENET_INPUT, RESNET, Rules, Settings, Source

__all__ = ['SETTINGS', 'TSM', 'WRAPPED']

# the class around the network that the repositories of the TSM family share
WRAPPED: Rules = ((r'^(new_fc|base_model\.fc)\.', HEAD), (r'^base_model\.', 'backbone.'))
SETTINGS: Settings = {
    **IMAGENET_INPUT,
    'TemporalShift': dict(shift_div=8),
    'NonLocal3d': dict(use_scale=False, mode='embedded_gaussian'),
}
_NON_LOCAL: Rules = (
    (r'\.nl\.W\.0\.', '.non_local_block.conv_out.conv.'),
    (r'\.nl\.W\.1\.', '.non_local_block.conv_out.bn.'),
    (r'\.nl\.(g|phi)\.0\.', r'.non_local_block.\1.0.conv.'),
    (r'\.nl\.theta\.', '.non_local_block.theta.conv.'),
)


def _fold_output_bias(weights: StateDict) -> StateDict:
    """Move the bias before a batch norm, which our non-local block does not have, into its running mean."""
    folded = dict(weights)
    for mean in weights:
        if not mean.endswith('non_local_block.conv_out.bn.running_mean'):
            continue
        bias = mean.replace('bn.running_mean', 'conv.bias')
        if bias not in weights:
            del folded[mean]  # it is not known without the bias
        elif weights[mean].shape == weights[bias].shape:  # otherwise both are named as they are
            folded[mean] = weights[mean] - folded.pop(bias)
    return folded


TSM = Source(
    'tsm',
    'mit-han-lab/temporal-shift-module: TSN and TSM, ResNet and MobileNetV2 (offline, online)',
    lambda weights: any(name.startswith('base_model.layer') for name in weights),
    (*WRAPPED, *RESNET, *_NON_LOCAL),
    _fold_output_bias,
    settings=SETTINGS,
)
