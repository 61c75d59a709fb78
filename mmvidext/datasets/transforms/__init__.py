"""Transforms that no OpenMMLab toolbox has."""

from importlib.util import find_spec

from mmvidext.datasets.transforms.flow_affine import FlowPairAffine
from mmvidext.datasets.transforms.flow_color import FlowPairColorJitter, FlowPairGamma, FlowPairNoise
from mmvidext.datasets.transforms.flow_geometry import FlowPairCrop, FlowPairFlip
from mmvidext.datasets.transforms.flow_loading import LoadFlowPair, PackFlowPair
from mmvidext.datasets.transforms.video_loading import DecodeVideo, InitVideo

__all__ = [
    'DecodeVideo',
    'FlowPairAffine',
    'FlowPairColorJitter',
    'FlowPairCrop',
    'FlowPairFlip',
    'FlowPairGamma',
    'FlowPairNoise',
    'InitVideo',
    'LoadFlowPair',
    'PackFlowPair',
]

if find_spec('mmseg') is not None:
    from mmvidext.datasets.transforms.clip_loading import LoadClip as LoadClip
    from mmvidext.datasets.transforms.clip_loading import LoadClipAnnotations as LoadClipAnnotations
    from mmvidext.datasets.transforms.clip_loading import SampleKeyFrame as SampleKeyFrame
    from mmvidext.datasets.transforms.clip_transforms import ClipTransform as ClipTransform
    from mmvidext.datasets.transforms.clip_transforms import PackClipInputs as PackClipInputs

    __all__ += ['ClipTransform', 'LoadClip', 'LoadClipAnnotations', 'PackClipInputs', 'SampleKeyFrame']
