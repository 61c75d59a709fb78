"""Checkpoints of https://github.com/open-mmlab/mmflow: FlowNetS and FlowNetC.

mmflow feeds BGR in [0, 1]. Our networks take RGB, so the three channels of each image are swapped in the first layer.
FlowNetS has no biases where flow is upsampled (``upflow_bias`` off), FlowNetC has them all. Its FlowNetC does not
divide the correlation by the number of channels (``normalize=False``).
"""

from mmvidext.checkpoints.flownet_layout import convert_flownet, swap_first_layer
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['MMFLOW']


def _recognise(state_dict: StateDict) -> bool:
    names = (
        'encoder.layers.0.layers.0.conv.weight',
        'encoder.layers.2.layers.0.conv.weight',
        'decoder.decoders.level6.pred_out.weight',
    )
    return majority(name in state_dict for name in names)


def _official_name(layer: str, *, correlated: bool) -> str:
    if layer == 'conv_redir':
        return 'corr_encoder.conv_redir.conv'
    level = int(layer.removesuffix('_1')[-1])
    if layer.startswith('conv'):
        place = int(layer.endswith('_1'))
        if not correlated or (level < 4 and not place):
            return f'encoder.layers.{level - 1}.layers.{place}.conv'
        # behind the correlation, level 3 has one layer only
        return f'corr_encoder.layers.{level - 3}.layers.{place if level > 3 else 0}.conv'
    names = {
        'predict': f'level{level}.pred_out',
        'upflow': f'level{level}.upsample_pred.deconvs.0',
        'deconv': f'level{level + 1}.deconv_out.deconvs.0',
    }
    return f'decoder.decoders.{names[layer[:-1]]}'


def _convert(state_dict: StateDict) -> StateDict:
    encoder = [name for name in state_dict if name.startswith(('encoder.', 'corr_encoder.'))]
    correlated = majority(name.startswith('corr_encoder.') for name in encoder)
    converted = convert_flownet(state_dict, lambda layer: _official_name(layer, correlated=correlated), source='mmflow')
    return swap_first_layer(converted)


MMFLOW = Source(
    'mmflow',
    'open-mmlab/mmflow: FlowNetS, FlowNetC (BGR: the first layer is swapped to RGB)',
    _recognise,
    _convert,
)
