"""Checkpoints of https://github.com/open-mmlab/mmflow: FlowNetS and FlowNetC.

mmflow uses BGR in [0, 1]. Our networks take RGB, so the three channels of each image are swapped in the first layer.
FlowNetS has no biases where flow is upsampled (``upflow_bias`` off), FlowNetC has them all.
"""

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import Rules, Source, flow_input

__all__ = ['MMFLOW']


def _rules() -> Rules:
    rules = [
        (rf'^encoder\.layers\.{level - 1}\.layers\.{place}\.conv\.', f'flow_net.conv{level}{end}.')
        for level in range(1, 7)
        for place, end in ((0, ''), (1, '_1'))
    ]
    # behind the correlation; level 3 has one layer only
    rules += [
        (rf'^corr_encoder\.layers\.{level - 3}\.layers\.{place}\.conv\.', f'flow_net.conv{level}{end}.')
        for level, place, end in ((3, 0, '_1'), *((n, *one) for n in (4, 5, 6) for one in ((0, ''), (1, '_1'))))
    ]
    rules += [(r'^corr_encoder\.conv_redir\.conv\.', 'flow_net.conv_redir.')]
    ours = 'flow_net.decoder'
    for level in range(2, 7):
        theirs = rf'^decoder\.decoders\.level{level}'
        rules += [(rf'{theirs}\.pred_out\.', f'{ours}.predict_flow.{level}.')]
        rules += [(rf'{theirs}\.upsample_pred\.deconvs\.0\.', f'{ours}.upsample_flow.{level - 1}.')]
        rules += [(rf'{theirs}\.deconv_out\.deconvs\.0\.', f'{ours}.deconv.{level - 1}.')]
    return tuple(rules)


def _swap_channels(weights: StateDict) -> StateDict:
    """Let the first layer take RGB where the official one takes BGR."""
    name = 'flow_net.conv1.weight'
    weight = weights.get(name)
    if weight is None or weight.ndim != 4 or weight.shape[1] % 3:  # named as it is
        return weights
    images = weight.unflatten(1, (-1, 3))  # (out, images, 3, k, k)
    return {**weights, name: images.flip(2).flatten(1, 2)}


MMFLOW = Source(
    'mmflow',
    'open-mmlab/mmflow: FlowNetS, FlowNetC (BGR: the first layer is swapped to RGB)',
    lambda weights: any(name.startswith('decoder.decoders.level') for name in weights),
    _rules(),
    _swap_channels,
    settings={**flow_input((0.0, 0.0, 0.0)), 'FlowNetC': dict(normalize=False)},
    note='its FlowNetS needs flow_net.upflow_bias=False',
)
