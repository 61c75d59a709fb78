"""The FlowNet of mmtracking's Deep Feature Flow and FGFA, alone or under its detectors' prefix ``motion.``.

Decoder without biases (``deconv_bias``, ``predict_bias`` and ``upflow_bias`` off). Its input is RGB, as ours;
mmtracking scales it to [0, 1] and subtracts ``(0.411, 0.432, 0.450)``, the mean in the order B, G, R.
"""

import re

from mmvidext.checkpoints.source import Rules, Source, flow_input

__all__ = ['MMTRACKING_FLOWNET', 'flownet_rules']

_TELLING = re.compile(r'(motion\.)?(predict_flow\d?|upsample_flow\d)\.conv\.')


def flownet_rules(ours: str) -> Rules:
    """Return how its layers are renamed, once ``motion.`` has been cut off.

    Args:
        ours: Prefix of our flow network.
    """
    return (
        (r'^(conv\d)\.0\.conv\.', rf'{ours}\1.'),
        (r'^(conv\d)\.1\.conv\.', rf'{ours}\1_1.'),
        (r'^deconv(\d)\.conv\.', rf'{ours}decoder.deconv.\1.'),
        (r'^predict_flow\.conv\.', f'{ours}decoder.predict_flow.2.'),
        (r'^predict_flow(\d)\.conv\.', rf'{ours}decoder.predict_flow.\1.'),
        (r'^upsample_flow(\d)\.conv\.', rf'{ours}decoder.upsample_flow.\1.'),
    )


MMTRACKING_FLOWNET = Source(
    'mmtracking_flownet',
    'open-mmlab/mmtracking: FlowNetSimple (RGB; no biases in the decoder)',
    lambda weights: any(map(_TELLING.match, weights)),
    ((r'^motion\.', ''), *flownet_rules('flow_net.')),
    settings=flow_input((104.805, 110.16, 114.75)),
    note='its networks need flow_net.deconv_bias=False, predict_bias=False and upflow_bias=False',
)
