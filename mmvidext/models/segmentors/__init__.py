"""Segmentors: of video, and what surrounds mmseg's networks."""

from importlib.util import find_spec

__all__: list[str] = []

if find_spec('mmseg') is not None:
    from mmvidext.models.segmentors.deep_feature_flow import DeepFeatureFlow as DeepFeatureFlow
    from mmvidext.models.segmentors.deeplabv2 import DeepLabV2 as DeepLabV2

    __all__ += ['DeepFeatureFlow', 'DeepLabV2']
