"""A prediction that is not finite is the worst there is, in every metric: `save_best` must never prefer it."""

import math

import pytest
import torch

from mmvidext.evaluation import ClassificationReport, EndPointError, VideoConsistency
from mmvidext.registry import METRICS
from tests.evaluation.test_temporal_consistency import ShiftEstimator  # registers it

NAN = math.nan


def recognition(score):
    return [dict(gt_label=torch.tensor([label]), pred_score=torch.full((3,), score)) for label in (0, 1, 2)]


def segmentation(score, num_frames=4):
    logits = torch.full((2, 3, 5), score)
    return [
        {
            'img_path': f'a/{index}.png',
            'video': 'a',
            'frame_index': index,
            'propagation_distance': 0,
            'gt_sem_seg': {'data': torch.zeros(1, 3, 5, dtype=torch.int64)},
            'pred_sem_seg': {'data': logits.argmax(0, keepdim=True)},
            'seg_logits': {'data': logits},
        }
        for index in range(num_frames)
    ]


def flow(value):
    return [dict(pred_flow=torch.full((2, 4, 4), value), gt_flow=torch.ones(2, 4, 4), gt_valid=torch.ones(4, 4))]


def detection(value):
    boxes = torch.tensor([[1.0, 1, 20, 20]])
    return [
        dict(
            video='a',
            frame_id=0,
            img_id=1,
            gt_instances=dict(bboxes=boxes, labels=torch.tensor([0])),
            pred_instances=dict(bboxes=boxes, scores=torch.tensor([value]), labels=torch.tensor([0])),
        )
    ]


CASES = {
    'AccMetric': (dict(), recognition, {'acc/top1': 0, 'acc/mean1': 0}),
    'ClassificationReport': (dict(table=False), recognition, {'report/mean_class_accuracy': 0}),
    'EndPointError': (dict(), flow, {'flow/EPE': math.inf, 'flow/Fl-all': 100}),
    'IoUMetric': (dict(iou_metrics=['mIoU', 'mDice', 'mFscore']), segmentation, {'mIoU': 0, 'mDice': 0, 'mFscore': 0}),
    'VideoIoUMetric': (dict(distances=[0]), segmentation, {'mIoU@0': 0, 'mIoU': 0}),
    'TemporalConsistency': (dict(flow_estimator=dict(type=ShiftEstimator)), segmentation, {'TC': 0}),
    'VIDMetric': (dict(motion=False), detection, {'vid/mAP': 0}),
    'VideoConsistency': (dict(window_sizes=[2]), segmentation, {'VC2': 0}),
}


def evaluate(name, value):
    """Return every score of a metric."""
    arguments, samples, _ = CASES[name]
    metric = METRICS.build(dict(type=f'mmvidext.{name}', **arguments))
    metric.dataset_meta = {'classes': ('a', 'b')}
    data_samples = samples(value)
    metric.process({'inputs': [torch.zeros(1, 3, 3, 5)] * len(data_samples)}, data_samples)
    return {key: float(score) for key, score in metric.evaluate(len(data_samples)).items()}


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('value', [NAN, math.inf, -math.inf])
def test_not_finite_is_the_worst_value(name, value):
    pytest.importorskip('mmaction' if name == 'AccMetric' else 'mmseg')
    scores, finite = evaluate(name, value), evaluate(name, 1.0)
    assert scores.items() >= CASES[name][2].items()
    for key, score in scores.items():
        assert not math.isnan(score), f'mmengine keeps a first {key} of nan as the best for ever'
        assert score >= finite[key] if key.startswith('flow/') else score <= finite[key]


@pytest.mark.parametrize('name', CASES)
def test_finite_predictions_are_better(name):
    """The same samples with finite scores: what the masking must not touch."""
    scores = evaluate(name, 1.0)
    for key, worst in CASES[name][2].items():
        value = scores[key]
        assert math.isfinite(value)
        assert value < worst if key.startswith('flow/') else value > worst


def test_every_metric_of_the_package_is_covered():
    METRICS.import_from_location()
    assert set(METRICS.module_dict) == {*CASES, 'PredictionDump'}  # which computes nothing


def test_one_pixel_that_is_not_finite_is_one_wrong_pixel():
    metric = METRICS.build(dict(type='mmvidext.IoUMetric'))
    metric.dataset_meta = {'classes': ('a', 'b')}
    samples = segmentation(1.0, num_frames=1)
    samples[0]['seg_logits']['data'][1, 0, 0] = NAN
    metric.process({}, samples)
    assert float(metric.evaluate(1)['mAcc']) == pytest.approx(100 * 14 / 15, abs=0.01)


def test_one_vector_that_is_not_finite_is_one_outlier():
    samples = flow(1.0)
    samples[0]['pred_flow'][0, 0, 0] = NAN
    metric = EndPointError()
    metric.process({}, samples)
    results = metric.evaluate(1)
    assert results['flow/Fl-all'] == 100 / 16
    assert results['flow/EPE'] == math.inf


def test_a_pixel_agrees_with_no_frame_while_it_is_not_finite():
    metric = VideoConsistency(window_sizes=(2,))
    samples = segmentation(1.0, num_frames=3)
    for sample in samples:
        sample['seg_logits']['data'][0, 0, 0] = NAN
    metric.process({}, samples)
    assert metric.evaluate(3)['VC2'] == pytest.approx(100 * 14 / 15)


def test_pixels_that_are_never_finite_are_not_consistent():
    metric = METRICS.build(dict(type='mmvidext.TemporalConsistency', flow_estimator=dict(type=ShiftEstimator)))
    metric.dataset_meta = {'classes': ('a', 'b')}
    samples = segmentation(1.0, num_frames=3)
    for sample in samples:
        sample['seg_logits']['data'][:, :, 2:] = NAN
    metric.process({'inputs': [torch.zeros(1, 3, 3, 5)] * 3}, samples)
    assert metric.evaluate(3)['TC'] == pytest.approx(40)  # 6 of 15 pixels agree, all of class 0


def test_one_pixel_that_is_not_finite_is_wrong_in_the_two_pairs_that_have_it():
    metric = METRICS.build(dict(type='mmvidext.TemporalConsistency', flow_estimator=dict(type=ShiftEstimator)))
    metric.dataset_meta = {'classes': ('a', 'b')}
    samples = segmentation(1.0, num_frames=3)
    for sample in samples:
        sample['pred_sem_seg']['data'][:, 1:] = 1
    samples[1]['seg_logits']['data'][0, 0, 0] = NAN
    metric.process({'inputs': [torch.zeros(1, 3, 3, 5)] * 3}, samples)
    assert metric.evaluate(3)['TC'] == pytest.approx(100 * (8 / 10 + 1) / 2)


def test_clips_without_finite_scores_have_a_column_of_their_own(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr('mmvidext.evaluation.classification_report.print_log', lambda text, logger: logged.append(text))
    metric = ClassificationReport(picture=str(tmp_path / 'matrix.png'))
    metric.process({}, recognition(NAN))
    metric.evaluate(3)
    assert logged[0].count('no finite score (1)') == 3
    assert (tmp_path / 'matrix.png').stat().st_size > 0


def test_multi_label_clip_ranks_its_classes_last():
    pytest.importorskip('mmaction')
    metric = METRICS.build(dict(type='mmvidext.AccMetric', metric_list='mean_average_precision'))
    label = torch.tensor([1, 0, 0])
    metric.process({}, [dict(gt_label=label, pred_score=torch.full((3,), NAN))])
    metric.process({}, [dict(gt_label=1 - label, pred_score=torch.tensor([0.1, 0.9, 0.9]))])
    # class 0: its one clip is ranked second of two; classes 1 and 2: theirs first
    assert metric.evaluate(2)['acc/mean_average_precision'] == pytest.approx((1 / 2 + 1 + 1) / 3)


def test_labels_that_the_model_cannot_score():
    pytest.importorskip('mmaction')
    metric = METRICS.build(dict(type='mmvidext.AccMetric'))
    for label in (-1, 3):
        sample = dict(gt_label=torch.tensor([label]), pred_score=torch.rand(3))
        with pytest.raises(ValueError, match=rf'a clip has the label {label}, but the model has 3 classes'):
            metric.process({}, [sample])


def test_scores_of_mixed_precision():
    """NumPy has no bfloat16."""
    metric = METRICS.build(dict(type='mmvidext.AccMetric'))
    scores = torch.tensor([0.25, 0.75], dtype=torch.bfloat16)
    metric.process(None, [dict(pred_score=scores, gt_label=torch.tensor([1]))])
    assert metric.evaluate(1)['acc/top1'] == 1
