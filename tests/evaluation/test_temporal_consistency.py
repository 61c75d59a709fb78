import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement

from mmvidext.evaluation.temporal_consistency import TemporalConsistency, warp_labels
from mmvidext.registry import MODELS


@MODELS.register_module()
class ShiftEstimator(BaseModel):
    """Everything moves by the same `(x, y)`; keeps the pairs that it was given."""

    def __init__(self, x=0.0, y=0.0):
        super().__init__()
        self.motion = torch.tensor([x, y])
        self.pairs = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.pairs.append(inputs)
        sample = BaseDataElement()
        sample.pred_flow = self.motion.view(2, 1, 1).expand(2, *inputs[0].shape[-2:])
        return [sample]


def metric(x=0.0, y=0.0, num_classes=4):
    result = TemporalConsistency(dict(type='mmvidext.ShiftEstimator', x=x, y=y))
    result.dataset_meta = {'classes': tuple(range(num_classes))}
    return result


def batch(labels, *, size=None, video='a', start=0):
    size = size or labels[0].shape
    clips = [torch.full((2, 3, *size), index, dtype=torch.uint8) for index in range(len(labels))]
    samples = [
        {'video': video, 'frame_index': start + index, 'pred_sem_seg': {'data': label[None]}}
        for index, label in enumerate(labels)
    ]
    return {'inputs': clips}, samples


def test_a_prediction_that_moves_with_the_picture_is_consistent():
    labels = torch.randint(4, (8, 12))
    moved = torch.roll(labels, (1, 2), (0, 1))
    shifted = metric(2, 1)
    shifted.process(*batch([labels, moved]))
    assert shifted.compute_metrics(shifted.results) == {'TC': pytest.approx(100)}
    still = metric()
    still.process(*batch([labels, moved]))
    assert still.compute_metrics(still.results)['TC'] < 60


def test_flow_is_scaled_to_the_labels():
    labels = torch.randint(4, (8, 12))
    half = metric(1, 0.5)
    half.process(*batch([labels, torch.roll(labels, (1, 2), (0, 1))], size=(4, 6)))
    assert half.compute_metrics(half.results) == {'TC': pytest.approx(100)}


def test_the_flow_runs_from_the_earlier_frame_and_not_across_videos():
    labels = torch.zeros(4, 4, dtype=torch.int64)
    consistency = metric()
    for video in 'ab':
        consistency.process(*batch([labels, labels, labels], video=video))
    pairs = [pair[0][:, 0, 0, 0].tolist() for pair in consistency.flow_estimator.pairs]
    assert pairs == [[0, 1], [1, 2]] * 2


def test_left_out_frames_are_noticed():
    consistency = metric()
    labels = torch.zeros(4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match='frame 3 of a follows frame -1 of None: evaluate all frames'):
        consistency.process(*batch([labels], start=3))


def test_warp_labels_against_a_loop():
    labels, flow = torch.randint(9, (5, 7)), torch.randn(2, 5, 7) * 3
    warped, inside = warp_labels(labels, flow)
    for row in range(5):
        for column in range(7):
            y, x = round(row + flow[1, row, column].item()), round(column + flow[0, row, column].item())
            assert inside[row, column] == (0 <= y < 5 and 0 <= x < 7)
            if inside[row, column]:
                assert warped[row, column] == labels[y, x]


def test_a_prediction_that_is_not_finite_is_not_consistent():
    labels = torch.zeros(4, 4, dtype=torch.int64)
    inputs, samples = batch([labels, labels])
    samples[1]['seg_logits'] = {'data': torch.full((4, 4, 4), torch.nan)}
    consistency = metric()
    consistency.process(inputs, samples)
    assert consistency.compute_metrics(consistency.results) == {'TC': 0}


def test_a_flow_that_is_not_finite_is_an_error():
    labels = torch.zeros(4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match='the estimated flow is not finite'):
        metric(x=torch.nan).process(*batch([labels, labels]))
