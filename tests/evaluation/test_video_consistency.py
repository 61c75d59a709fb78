import math

import pytest
import torch

from mmvidext.evaluation.video_consistency import VideoConsistency


def samples(predictions, truths, video='a'):
    return [
        {'video': video, 'frame_index': index, 'gt_sem_seg': {'data': truth}, 'pred_sem_seg': {'data': prediction}}
        for index, (prediction, truth) in enumerate(zip(predictions, truths, strict=True))
    ]


def naive(predictions, truths, size):
    fractions = []
    for start in range(len(truths) - size):
        window = slice(start, start + size)
        stays = (truths[window] == truths[start]).all(0)
        agrees = (predictions[window] == predictions[start]).all(0)
        if stays.any():
            fractions.append((stays & agrees).sum().item() / stays.sum().item())
    return fractions


def test_equals_the_definition_on_random_videos():
    torch.manual_seed(3)
    metric = VideoConsistency(window_sizes=(2, 3))
    fractions = {2: [], 3: []}
    for video, length in (('a', 9), ('b', 2), ('c', 3), ('d', 6)):
        predictions, truths = torch.randint(2, (2, length, 1, 5, 7))
        metric.process({}, samples(predictions, truths, video))
        for size in fractions:
            fractions[size] += naive(predictions, truths, size)
    metrics = metric.evaluate(9 + 2 + 3 + 6)  # of which there are more windows than frames
    for size, expected in fractions.items():
        assert metrics[f'VC{size}'] == pytest.approx(100 * sum(expected) / len(expected))


def test_a_wrong_but_constant_prediction_is_consistent():
    metric = VideoConsistency(window_sizes=(4,))
    metric.process({}, samples(torch.ones(6, 1, 3, 3), torch.zeros(6, 1, 3, 3)))
    assert metric.compute_metrics(metric.results) == {'VC4': 100}


def test_videos_that_are_too_short_count_for_nothing():
    metric = VideoConsistency(window_sizes=(4,))
    metric.process({}, samples(torch.ones(4, 1, 3, 3), torch.zeros(4, 1, 3, 3)))
    assert math.isnan(metric.compute_metrics(metric.results)['VC4'])


def test_frames_must_follow_one_another():
    metric = VideoConsistency()
    frames = samples(torch.ones(4, 1, 3, 3), torch.ones(4, 1, 3, 3))
    with pytest.raises(ValueError, match='frame 2 of a follows frame 0 of a'):
        metric.process({}, [frames[0], frames[2]])


def test_frames_without_ground_truth_are_named():
    frame = samples(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))[0]
    del frame['gt_sem_seg']
    with pytest.raises(ValueError, match=r'a\.jpg has no ground truth: for a split without labels'):
        VideoConsistency().process({}, [dict(frame, img_path='a.jpg')])


def test_windows_below_two_are_refused():
    with pytest.raises(ValueError, match=r'window_sizes must be .* but is \(1, 8\)'):
        VideoConsistency(window_sizes=(1, 8))
