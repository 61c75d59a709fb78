"""The FlowNet of mmtracking's Deep Feature Flow and FGFA, alone or under its detectors' prefix ``motion.``.

Decoder without biases (``deconv_bias``, ``predict_bias`` and ``upflow_bias`` off). Its input is RGB, as ours;
mmtracking scales it to [0, 1] and subtracts ``(0.411, 0.432, 0.450)``, the mean in the order B, G, R.
"""

import re

from mmvidext.checkpoints.source import Source

__all__ = ['MMTRACKING_FLOWNET']

_TELLING = re.compile(r'(motion\.)?(predict_flow\d?|upsample_flow\d)\.conv\.')

MMTRACKING_FLOWNET = Source(
    'mmtracking_flownet',
    'open-mmlab/mmtracking: FlowNetSimple (RGB; no biases in the decoder)',
    lambda weights: any(map(_TELLING.match, weights)),
    (
        (r'^motion\.', ''),
        (r'^(conv\d)\.0\.conv\.', r'flow_net.\1.'),
        (r'^(conv\d)\.1\.conv\.', r'flow_net.\1_1.'),
        (r'^deconv(\d)\.conv\.', r'flow_net.decoder.deconv.\1.'),
        (r'^predict_flow\.conv\.', 'flow_net.decoder.predict_flow.2.'),
        (r'^predict_flow(\d)\.conv\.', r'flow_net.decoder.predict_flow.\1.'),
        (r'^upsample_flow(\d)\.conv\.', r'flow_net.decoder.upsample_flow.\1.'),
    ),
)
