"""Detectors of objects in video."""

from importlib.util import find_spec

__all__: list[str] = []

if find_spec('mmdet') is not None:
    from mmvidext.models.detectors.deep_feature_flow_detector import DeepFeatureFlowDetector as DeepFeatureFlowDetector

    __all__ += ['DeepFeatureFlowDetector']
