import pytest
import torch

pytest.importorskip('mmseg')

from mmvidext.evaluation.video_iou_metric import VideoIoUMetric, mean_over_cycle


def sample(prediction, truth, distance):
    return {
        'img_path': 'frame.png',
        'propagation_distance': distance,
        'pred_sem_seg': {'data': torch.tensor(prediction)},
        'gt_sem_seg': {'data': torch.tensor(truth)},
    }


def metric(**kwargs):
    result = VideoIoUMetric(**kwargs)
    result.dataset_meta = {'classes': ('a', 'b')}
    return result


def test_each_distance_is_pooled_apart():
    iou = metric(distances=(0, 1))
    iou.process({}, [sample([[0, 1]], [[0, 1]], 0), sample([[0, 0]], [[0, 1]], 1), sample([[0, 1]], [[0, 255]], 1)])
    # at distance 1: class 0 has intersection 2 and union 3, class 1 has 0 of 1
    assert iou.compute_metrics(iou.results) == {'mIoU@0': 100, 'mIoU@1': 33.33, 'mIoU': 66.67}


def test_the_cycle_interpolates_between_distances():
    assert mean_over_cycle({0: 8, 2: 6}, 3) == pytest.approx(7)
    assert mean_over_cycle({0: 8, 1: 5, 2: 6}, 3) == pytest.approx(19 / 3)
    assert mean_over_cycle({0: 8, 1: 5, 2: 6}, 1) == 8


def test_errors_by_message():
    with pytest.raises(ValueError, match=r'the distances 0 to 9, but only \(0, 1\) are evaluated'):
        metric(distances=(0, 1), key_frame_interval=10)
    with pytest.raises(ValueError, match='distances must be one or more, whole numbers from 0'):
        metric(distances=(-1, 0))
    iou = metric(distances=(0, 1))
    with pytest.raises(ValueError, match='has the propagation distance 7, but the metric is set to distances='):
        iou.process({}, [sample([[0]], [[0]], 7)])
    iou.process({}, [sample([[0]], [[0]], 0)])
    with pytest.raises(ValueError, match=r'no sample at the distances \[1\]'):
        iou.compute_metrics(iou.results)
