import math

import pytest
import torch

from mmvidext.evaluation.end_point_error import EndPointError


def sample(predicted, target, valid=None):
    target = torch.as_tensor(target, dtype=torch.float32)
    valid = torch.ones(target.shape[1:], dtype=torch.bool) if valid is None else torch.as_tensor(valid)
    return dict(pred_flow=torch.as_tensor(predicted, dtype=torch.float32), gt_flow=target, gt_valid=valid)


def evaluate(*samples):
    metric = EndPointError()
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_pools_pixels_not_images():
    large = sample(torch.zeros(2, 1, 3), [[[3.0] * 3], [[4.0] * 3]])
    small = sample(torch.zeros(2, 1, 1), [[[1.0]], [[0.0]]])
    assert evaluate(large, small)['flow/EPE'] == pytest.approx((3 * 5 + 1) / 4)


def test_only_valid_pixels_count():
    values = evaluate(sample([[[0.0, math.nan]], [[0.0, 0.0]]], [[[1.0, 1e9]], [[0.0, 0.0]]], [[True, False]]))
    assert values['flow/EPE'] == 1
    assert values['flow/EPE_zero'] == 1


def test_outliers_are_wrong_in_pixels_and_in_proportion():
    # lengths 100, 100, 10, 10; errors 4 (4 %), 6 (6 %), 2.9 (29 %), 3.1 (31 %)
    target = [[[100.0, 100.0, 10.0, 10.0]], [[0.0] * 4]]
    predicted = [[[104.0, 106.0, 12.9, 13.1]], [[0.0] * 4]]
    values = evaluate(sample(predicted, target))
    assert values['flow/Fl-all'] == 50
    assert values['flow/EPE'] == pytest.approx(4)
    assert values['flow/EPE_zero'] == pytest.approx(55)


def test_matched_and_unmatched_pixels():
    """Of four known pixels one is hidden; a hidden pixel of unknown flow counts for nothing."""
    target = torch.zeros(2, 1, 5)
    item = sample([[[1.0, 4.0, 0.0, 7.0, 9.0]], [[0.0] * 5]], target, [[True] * 4 + [False]])
    item['gt_occluded'] = torch.tensor([[False, False, False, True, True]])
    values = evaluate(item)
    assert values['flow/EPE'] == 3
    assert values['flow/EPE_matched'] == pytest.approx(5 / 3)
    assert values['flow/EPE_unmatched'] == 7
    assert values['flow/Fl-all'] == 50
    assert values['flow/Fl-noc'] == pytest.approx(100 / 3)
    assert 'flow/EPE_matched' not in evaluate(sample(torch.zeros(2, 1, 1), torch.zeros(2, 1, 1)))


def test_one_copy_from_the_device_whatever_the_number_of_samples(monkeypatch):
    """That ``process`` copies nothing, is checked on the pretended accelerator."""
    metric, copy, copies = EndPointError(), torch.Tensor.tolist, []
    metric.process(None, [sample(torch.zeros(2, 4, 4), torch.ones(2, 4, 4))] * 5)
    monkeypatch.setattr(torch.Tensor, 'tolist', lambda tensor: copies.append(tensor.shape) or copy(tensor))
    assert metric.evaluate(5)['flow/EPE'] == pytest.approx(math.sqrt(2))
    assert copies == [(5, 9)]


def test_errors():
    with pytest.raises(ValueError, match=r'pred_flow is \(2, 2, 2\), but gt_flow is \(2, 4, 4\): estimate'):
        evaluate(sample(torch.zeros(2, 2, 2), torch.zeros(2, 4, 4)))
    with pytest.raises(ValueError, match='no pixel of the data set has known flow'):
        evaluate(sample(torch.zeros(2, 1, 1), torch.zeros(2, 1, 1), [[False]]))
    with pytest.raises(ValueError, match='clean/alley_1/frame_0001 has no true flow, as the test splits'):
        EndPointError().process(None, [dict(pred_flow=torch.zeros(2, 1, 1), sample_id='clean/alley_1/frame_0001')])
