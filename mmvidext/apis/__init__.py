"""Inference on streams and files."""

from importlib.util import find_spec

from mmvidext.apis.flow_inferencer import FlowInferencer

__all__ = ['FlowInferencer']

if find_spec('mmaction') is not None:
    from mmvidext.apis.online_recognizer import OnlineRecognizer
    from mmvidext.apis.video_recognizer import VideoRecognizer

    __all__ += ['OnlineRecognizer', 'VideoRecognizer']

if find_spec('mmseg') is not None:
    from mmvidext.apis.video_segmentor import VideoSegmentor

    __all__ += ['VideoSegmentor']

if find_spec('mmdet') is not None:
    from mmvidext.apis.video_detector import VideoDetector

    __all__ += ['VideoDetector']
