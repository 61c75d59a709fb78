"""The detectors of mmtracking's Deep Feature Flow, versions 0.x and 1.x: ``detector.*`` and ``motion.*``.

The detector's names are mmdet's own. The flow network has no biases in its decoder, the warp is mmtracking's
(``warp_form='mmtracking'``), and there is no scale map: ``configs/_base_/models/dff_faster_rcnn_r50.py``.
"""

from mmvidext.checkpoints.source import Source
from mmvidext.checkpoints.sources.mmtracking_flownet import flownet_rules

__all__ = ['MMTRACKING_DFF']

MMTRACKING_DFF = Source(
    'mmtracking_dff',
    "open-mmlab/mmtracking: Deep Feature Flow detectors (use with warp_form='mmtracking', without scale map)",
    lambda weights: {'detector', 'motion'} <= {name.partition('.')[0] for name in weights},
    ((r'^motion\.', ''), *flownet_rules('feature_flow.flow_net.')),
    settings={
        'FeatureFlow': dict(warp_form='mmtracking'),
        'FlowInput': dict(mean=(104.805, 110.16, 114.75), std=(255.0, 255.0, 255.0), swap_channels=False),
        'DetDataPreprocessor': dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)),
    },
    note='it has no scale map: scale_map=False; and no biases in the decoder of its flow network',
)
