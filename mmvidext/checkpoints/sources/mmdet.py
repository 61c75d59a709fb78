"""A plain detector of mmdetection, for Deep Feature Flow around the same detector."""

from mmvidext.checkpoints.source import Source

__all__ = ['MMDET']

MMDET = Source(
    'mmdet',
    'open-mmlab/mmdetection: a plain detector, for Deep Feature Flow around it',
    lambda weights: any(name.startswith(('rpn_head.', 'roi_head.', 'bbox_head.')) for name in weights),
    ((r'^', 'detector.'),),
)
