"""The FlowNet of mmtracking's Deep Feature Flow and FGFA, alone or under its detectors' prefix ``motion.``.

Decoder without biases (``deconv_bias``, ``predict_bias`` and ``upflow_bias`` off). Its input is RGB, as ours;
mmtracking scales it to [0, 1] and subtracts ``(0.411, 0.432, 0.450)``, the mean in the order B, G, R.
"""

from mmvidext.checkpoints.flownet_layout import convert_flownet
from mmvidext.checkpoints.layout import without_prefix
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.votes import majority

__all__ = ['MMTRACKING_FLOWNET']


def _recognise(state_dict: StateDict) -> bool:
    plain = without_prefix(state_dict, 'motion.')
    return majority(
        name in plain for name in ('conv1.0.conv.weight', 'conv6.0.conv.weight', 'predict_flow6.conv.weight')
    )


def _official_name(layer: str) -> str:
    if layer == 'predict2':
        return 'predict_flow.conv'
    if layer.startswith('predict'):
        return f'predict_flow{layer[-1]}.conv'
    if layer.startswith('upflow'):
        return f'upsample_flow{int(layer[-1]) - 1}.conv'
    if layer.startswith('deconv'):
        return f'{layer}.conv'
    return f'{layer.removesuffix("_1")}.{int(layer.endswith("_1"))}.conv'


def _convert(state_dict: StateDict) -> StateDict:
    return convert_flownet(without_prefix(state_dict, 'motion.'), _official_name, source='mmtracking_flownet')


MMTRACKING_FLOWNET = Source(
    'mmtracking_flownet',
    'open-mmlab/mmtracking: FlowNetSimple (RGB; no biases in the decoder)',
    _recognise,
    _convert,
)
