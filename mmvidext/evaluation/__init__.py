"""Metrics."""

from importlib.util import find_spec

from mmvidext.evaluation.classification_report import ClassificationReport
from mmvidext.evaluation.end_point_error import EndPointError
from mmvidext.evaluation.prediction_dump import PredictionDump
from mmvidext.evaluation.vid_metric import VIDMetric
from mmvidext.evaluation.video_consistency import VideoConsistency

__all__ = ['ClassificationReport', 'EndPointError', 'PredictionDump', 'VIDMetric', 'VideoConsistency']

if find_spec('mmaction') is not None:
    from mmvidext.evaluation.acc_metric import AccMetric as AccMetric

    __all__ += ['AccMetric']

if find_spec('mmseg') is not None:
    from mmvidext.evaluation.iou_metric import IoUMetric as IoUMetric
    from mmvidext.evaluation.temporal_consistency import TemporalConsistency as TemporalConsistency
    from mmvidext.evaluation.video_iou_metric import VideoIoUMetric as VideoIoUMetric

    __all__ += ['IoUMetric', 'TemporalConsistency', 'VideoIoUMetric']
