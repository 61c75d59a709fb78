"""Metrics that get nothing, or something else than they measure: one line that names the sample and the key."""

import pytest
import torch

from mmvidext.evaluation import ClassificationReport, EndPointError
from mmvidext.registry import METRICS


@pytest.mark.parametrize(
    ('name', 'toolbox', 'missing'),
    [
        ('EndPointError', 'mmengine', 'sample'),
        ('ClassificationReport', 'mmengine', 'clip'),
        ('AccMetric', 'mmaction', 'clip'),
        ('IoUMetric', 'mmseg', 'sample'),
        ('VIDMetric', 'mmdet', 'frame'),
    ],
)
def test_no_samples(name, toolbox, missing):
    pytest.importorskip(toolbox)
    metric = METRICS.build(dict(type=f'mmvidext.{name}'))
    with pytest.raises(ValueError, match=f'^{name} has seen no {missing}: check that the data set'):
        metric.evaluate(0)


def test_no_pair_of_frames():
    pytest.importorskip('mmseg')
    flow_estimator = dict(type='mmvidext.FlowEstimator', flow_net=dict(type='mmvidext.FlowNetS', width=0.1))
    metric = METRICS.build(dict(type='mmvidext.TemporalConsistency', flow_estimator=flow_estimator))
    with pytest.raises(ValueError, match=r'^TemporalConsistency has seen no pair of consecutive frames'):
        metric.evaluate(0)


def pair(**changes):
    whole = dict(pred_flow=torch.zeros(2, 3, 4), gt_flow=torch.zeros(2, 3, 4), gt_valid=torch.ones(3, 4))
    return {'sample_id': '7_img', **{key: value for key, value in {**whole, **changes}.items() if value is not None}}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(gt_valid=None), '7_img has no gt_valid, which EndPointError needs'),
        (dict(pred_flow=None), '7_img has no pred_flow, which EndPointError needs'),
        (dict(gt_valid=torch.ones(1, 4)), r'7_img: gt_valid must be \(3, 4\) as gt_flow, but is \(1, 4\)'),
        (dict(gt_valid=torch.ones(1, 3, 4)), r'7_img: gt_valid must be \(3, 4\) as gt_flow, but is \(1, 3, 4\)'),
        (dict(gt_occluded=torch.ones(4)), r'7_img: gt_occluded must be \(3, 4\) as gt_flow, but is \(4,\)'),
        (
            dict(gt_flow=torch.zeros(1, 2, 3, 4)),
            r'7_img: gt_flow must be .*, but is \(1, 2, 3, 4\)',
        ),
        (dict(gt_flow=torch.zeros(3, 3, 4)), r'7_img: gt_flow must be \(2, H, W\), of one pair, but is \(3, 3, 4\)'),
    ],
)
def test_flow(changes, message):
    with pytest.raises(ValueError, match=f'^{message}'):
        EndPointError().process(None, [pair(**changes)])


@pytest.mark.parametrize('num', [0, 2])
def test_a_report_of_several_labels(num):
    sample = dict(filename='a.mp4', gt_label=torch.zeros(num), pred_score=torch.zeros(3))
    with pytest.raises(ValueError, match=f'^a.mp4 has a gt_label of {num} numbers, but ClassificationReport'):
        ClassificationReport().process({}, [sample])


@pytest.mark.parametrize('num', [0, 2])
def test_the_accuracy_of_several_labels(num):
    pytest.importorskip('mmaction')
    sample = dict(filename='a.mp4', gt_label=torch.zeros(num), pred_score=torch.zeros(3))
    with pytest.raises(ValueError, match=f'^a.mp4 has a gt_label of {num} numbers, but the model has 3 classes'):
        METRICS.build(dict(type='mmvidext.AccMetric')).process({}, [sample])


@pytest.mark.parametrize('name', ['IoUMetric', 'VideoIoUMetric', 'VideoConsistency'])
def test_a_prediction_of_another_size(name):
    pytest.importorskip('mmseg')
    metric = METRICS.build(dict(type=f'mmvidext.{name}'))
    metric.dataset_meta = dict(classes=('a', 'b'))
    predicted, true = ({'data': torch.zeros(1, *size, dtype=torch.long)} for size in [(3, 4), (6, 8)])
    where = dict(img_path='a.png', video='v', frame_index=0, propagation_distance=0)
    with pytest.raises(ValueError, match=r'^a.png: the prediction is \(3, 4\) .*, but gt_sem_seg is \(6, 8\)'):
        metric.process({}, [dict(pred_sem_seg=predicted, gt_sem_seg=true, **where)])
