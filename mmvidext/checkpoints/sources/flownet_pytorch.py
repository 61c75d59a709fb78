"""Checkpoints of https://github.com/ClementPinard/FlowNetPytorch: FlowNetS and FlowNetC without batch norm.

Decoder without biases (``deconv_bias``, ``predict_bias`` and ``upflow_bias`` off). Its input is RGB, as ours, in [0, 1]
less the mean ``(0.45, 0.432, 0.411)``: ``FlowDataPreprocessor(mean=[114.75, 110.16, 104.805], std=[255] * 3)``. The
one exception is its FlowNetS that was converted from Caffe, which takes BGR; its keys do not tell.
"""

from mmvidext.checkpoints.flownet_layout import convert_flownet
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['FLOWNET_PYTORCH']


def _recognise(state_dict: StateDict) -> bool:
    names = ('conv1.0.weight', 'conv6.0.weight', 'predict_flow6.weight')
    return majority(name in state_dict for name in names)


def _official_name(layer: str) -> str:
    kind, level = layer[:-1], layer[-1]
    if kind == 'predict':
        return f'predict_flow{level}'
    if kind == 'upflow':
        return f'upsampled_flow{level}_to_{int(level) - 1}'
    return f'{layer}.0'


def _convert(state_dict: StateDict) -> StateDict:
    return convert_flownet(state_dict, _official_name, source='flownet_pytorch')


FLOWNET_PYTORCH = Source(
    'flownet_pytorch',
    'ClementPinard/FlowNetPytorch: FlowNetS, FlowNetC (RGB; no biases in the decoder)',
    _recognise,
    _convert,
)
