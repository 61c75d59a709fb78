"""A plain segmentor of mmsegmentation, for Deep Feature Flow around the same segmentor."""

from mmvidext.checkpoints.source import Source

__all__ = ['MMSEG']

MMSEG = Source(
    'mmseg',
    'open-mmlab/mmsegmentation: a plain segmentor, for Deep Feature Flow around it',
    lambda weights: any(name.startswith('decode_head.') for name in weights),
    ((r'^(?=\w+\.)', 'segmentor.'),),
)
