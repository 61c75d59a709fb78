"""Transforms that no OpenMMLab toolbox has."""

from importlib.util import find_spec

from mmvidext.datasets.transforms.clip_loading import LoadClip, SampleKeyFrame
from mmvidext.datasets.transforms.clip_transforms import ClipTransform
from mmvidext.datasets.transforms.flow_affine import FlowPairAffine
from mmvidext.datasets.transforms.flow_color import FlowPairColorJitter, FlowPairGamma, FlowPairNoise
from mmvidext.datasets.transforms.flow_geometry import FlowPairCrop, FlowPairFlip
from mmvidext.datasets.transforms.flow_loading import LoadFlowPair, PackFlowPair
from mmvidext.datasets.transforms.video_loading import DecodeVideo, InitVideo

__all__ = [
    'ClipTransform',
    'DecodeVideo',
    'FlowPairAffine',
    'FlowPairColorJitter',
    'FlowPairCrop',
    'FlowPairFlip',
    'FlowPairGamma',
    'FlowPairNoise',
    'InitVideo',
    'LoadClip',
    'LoadFlowPair',
    'PackFlowPair',
    'SampleKeyFrame',
]

if find_spec('mmseg') is not None:
    from mmvidext.datasets.transforms.clip_annotations import LoadClipAnnotations as LoadClipAnnotations
    from mmvidext.datasets.transforms.clip_packing import PackClipInputs as PackClipInputs

    __all__ += ['LoadClipAnnotations', 'PackClipInputs']

if find_spec('mmdet') is not None:
    from mmvidext.datasets.transforms.clip_boxes import LoadClipBoxes as LoadClipBoxes
    from mmvidext.datasets.transforms.clip_boxes import PackClipDetInputs as PackClipDetInputs

    __all__ += ['LoadClipBoxes', 'PackClipDetInputs']
