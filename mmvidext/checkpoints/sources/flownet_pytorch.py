"""Checkpoints of https://github.com/ClementPinard/FlowNetPytorch: FlowNetS and FlowNetC without batch norm.

Decoder without biases (``deconv_bias``, ``predict_bias`` and ``upflow_bias`` off). Its input is RGB, as ours, in [0, 1]
less the mean ``(0.45, 0.432, 0.411)``: ``FlowDataPreprocessor(mean=[114.75, 110.16, 104.805], std=[255] * 3)``. The
one exception is its FlowNetS that was converted from Caffe, which takes BGR; its keys do not show it.
"""

import re

from mmvidext.checkpoints.source import Source, flow_input

__all__ = ['FLOWNET_PYTORCH']

_TELLING = re.compile(r'(predict_flow\d\.(weight|bias)$|upsampled_flow\d_to_\d\.)')

FLOWNET_PYTORCH = Source(
    'flownet_pytorch',
    'ClementPinard/FlowNetPytorch: FlowNetS, FlowNetC (RGB; no biases in the decoder)',
    lambda weights: any(map(_TELLING.match, weights)),
    (
        (r'^(conv\d(_1)?|conv_redir)\.0\.', r'flow_net.\1.'),
        (r'^deconv(\d)\.0\.', r'flow_net.decoder.deconv.\1.'),
        (r'^predict_flow(\d)\.', r'flow_net.decoder.predict_flow.\1.'),
        (r'^upsampled_flow\d_to_(\d)\.', r'flow_net.decoder.upsample_flow.\1.'),
    ),
    settings={**flow_input((114.75, 110.16, 104.805)), 'FlowNetC': dict(normalize=True)},
    note='its networks need flow_net.deconv_bias=False, predict_bias=False and upflow_bias=False',
)
