import math

import numpy as np
import pytest
import torch

from mmvidext.evaluation import VIDMetric, vid_metric
from mmvidext.evaluation.object_motion import MOTION_RANGES, read_motion_file
from mmvidext.evaluation.vid_counting import class_scores
from mmvidext.evaluation.vid_matching import least_overlap
from tests.oracles.vid_evaluation import evaluate as evaluate_literally
from tests.oracles.vid_evaluation import motion_of

CLASSES = ('a', 'b', 'c', 'd')  # d has no objects


def random_frames(seed, *, num_videos=3, length=14):
    """Objects that drift at different speeds, and detections near them, far away, of other classes, and twice."""
    rng = np.random.default_rng(seed)
    frames = []
    for video in range(num_videos):
        starts = rng.uniform(0, 60, (4, 2))
        speeds = rng.normal(0, [[0.1], [1], [3], [9]], (4, 2))
        sides, labels = rng.uniform(5, 30, (4, 2)), rng.integers(0, 3, 4)
        for number in range(length):
            there = np.flatnonzero(rng.random(4) < (0 if number == 5 else 0.8))
            boxes = np.concatenate([starts + number * speeds, starts + number * speeds + sides], 1)[there].round(1)
            found = []
            for box, label in zip(boxes, labels[there], strict=True):
                for _ in range(rng.integers(0, 3)):
                    other = label if rng.random() < 0.8 else rng.integers(0, 4)
                    found.append((rng.random(), int(other), box + rng.normal(0, 2.5, 4)))
            for _ in range(rng.integers(0, 3)):
                corner = rng.uniform(0, 80, 2)
                found.append((rng.random(), int(rng.integers(0, 4)), np.concatenate([corner, corner + 12])))
            frames.append(
                dict(video=f'v{video}', number=number, boxes=boxes, labels=labels[there], tracks=there, found=found)
            )
    return frames


def sample(frame, img_id=1, **meta):
    scores, labels, boxes = zip(*frame['found'], strict=True) if frame['found'] else ((), (), np.zeros((0, 4)))
    return dict(
        video=frame['video'],
        frame_id=frame['number'],
        img_id=img_id,
        track_ids=tuple(frame['tracks']),
        gt_instances=dict(bboxes=torch.tensor(frame['boxes'].reshape(-1, 4)), labels=torch.tensor(frame['labels'])),
        pred_instances=dict(
            bboxes=torch.tensor(np.array(boxes).reshape(-1, 4)),
            scores=torch.tensor(scores),
            labels=torch.tensor(labels, dtype=torch.long),
        ),
        **meta,
    )


def metric_of(frames, **arguments):
    metric = VIDMetric(**arguments)
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, [sample(frame, number) for number, frame in enumerate(frames, start=1)])
    return metric


def in_float32(frames):
    """What the metric keeps, so that both see the same numbers."""
    for frame in frames:
        frame['boxes'] = frame['boxes'].astype(np.float32).astype(float)
        frame['found'] = [
            (float(np.float32(score)), label, box.astype(np.float32).astype(float))
            for score, label, box in frame['found']
        ]
    return frames


@pytest.mark.parametrize('seed', range(4))
def test_equals_the_official_evaluation(seed):
    frames = in_float32(random_frames(seed))
    motion = [[motion_of(frames, index, k) for k in range(len(frame['boxes']))] for index, frame in enumerate(frames)]
    results = [frame for _, frame in metric_of(frames).results]
    scores = class_scores(results, len(CLASSES), motion=[np.array(values) for values in motion])
    assert {*scores} == {'all', *MOTION_RANGES}
    for name, bounds in {'all': (0, 1), **MOTION_RANGES}.items():
        expected = evaluate_literally(frames, len(CLASSES), motion, bounds)
        found = [None if math.isnan(value) else value for value in scores[name]]
        assert found == pytest.approx(expected, abs=1e-7), name  # shares are kept in float32
        if name == 'all':
            assert 0.1 < expected[0] < 0.9  # neither all right nor all wrong
    metrics = metric_of(frames).evaluate(len(frames))
    for name, values in scores.items():
        key = 'vid/mAP' if name == 'all' else f'vid/mAP_{name}'
        assert metrics[key] == pytest.approx(100 * np.nanmean(values), abs=0.006)


def test_motion_from_track_ids_is_what_a_loop_finds():
    frames = in_float32(random_frames(7))
    results = [frame for _, frame in metric_of(frames).results]
    for index, values in enumerate(vid_metric.track_motion(results)):
        assert values == pytest.approx([motion_of(frames, index, k) for k in range(len(values))], abs=1e-12)


def one_object(detection, score=0.9, truth=(0, 0, 7, 7)):
    return dict(
        video='v',
        number=0,
        boxes=np.array([truth], float),
        labels=np.array([0]),
        tracks=np.array([0]),
        found=[(score, 0, np.array(detection, float))],
    )


@pytest.mark.parametrize(('shift', 'found'), [(3, 100.0), (4, 0.0)])
def test_small_boxes_are_forgiven_some_pixels(shift, found):
    """An 8x8 object needs 64 / 18^2 = 0.198: 25 / 103 = 0.243 is enough, 16 / 112 = 0.143 is not."""
    frame = one_object((shift, shift, shift + 7, shift + 7))
    assert metric_of([frame], motion=False).evaluate(1) == {'vid/mAP': found}


@pytest.mark.parametrize('label', [4, -1])
def test_a_label_that_is_no_class_is_named(label):
    wrong = one_object((0, 0, 7, 7))
    wrong['found'] = [(0.9, label, np.array((0, 0, 7, 7.0)))]
    with pytest.raises(ValueError, match=rf'frame 0 of v has a detection of class {label}, but .* 4 classes, 0 to 3'):
        metric_of([wrong], motion=False).evaluate(1)
    with pytest.raises(ValueError, match=rf'has an object of class {label}'):
        metric_of([dict(one_object((0, 0, 7, 7)), labels=np.array([label]))], motion=False).evaluate(1)


def test_the_least_overlap_at_its_edge():
    sides = np.array([8, 24, 25, 100])
    boxes = np.stack([0 * sides, 0 * sides, sides - 1, sides - 1], axis=1).astype(np.float32)
    assert least_overlap(boxes) == pytest.approx([64 / 324, (24 / 34) ** 2, 0.5, 0.5])
    # exactly at the threshold: a 40 x 10 object (400 / 1000 = 0.4) and 16 x 10 of it
    assert metric_of([one_object((0, 0, 15, 9), truth=(0, 0, 39, 9))], motion=False).evaluate(1)['vid/mAP'] == 100
    assert metric_of([one_object((0, 0, 14, 9), truth=(0, 0, 39, 9))], motion=False).evaluate(1)['vid/mAP'] == 0


def test_by_distance():
    right, wrong = one_object((0, 0, 7, 7)), one_object((50, 50, 60, 60))
    metric = VIDMetric(distances=[0, 2], motion=False)
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, [sample(right, propagation_distance=0), sample(wrong, propagation_distance=2)])
    assert metric.evaluate(2) == {'vid/mAP@0': 100, 'vid/mAP@2': 0, 'vid/mAP': pytest.approx(50)}
    with pytest.raises(ValueError, match='has the propagation distance 1'):
        metric.process(None, [sample(right, propagation_distance=1)])
    metric.process(None, [sample(right, propagation_distance=0)])
    with pytest.raises(ValueError, match=r'no sample at the distances \[2\]'):
        metric.evaluate(1)


def test_only_the_best_detections_count():
    frame = one_object((0, 0, 7, 7), score=0.1)
    frame['found'] += [(0.5, 0, np.array([50.0, 50, 60, 60]))] * 2
    assert metric_of([frame], motion=False).evaluate(1)['vid/mAP'] == pytest.approx(33.33)
    assert metric_of([frame], motion=False, max_per_frame=2).evaluate(1)['vid/mAP'] == 0


def test_parts_of_any_size_are_joined(monkeypatch):
    """Two processes, of which one has repeated a sample to make the parts equal."""
    frames = random_frames(3)
    alone = metric_of(frames)
    expected = alone.evaluate(len(frames))
    metric = metric_of(frames)
    parts = [metric.results[:30], [*metric.results[30:], *metric.results[:1]]]
    monkeypatch.setattr(vid_metric, 'get_world_size', lambda: 2)
    monkeypatch.setattr(vid_metric, 'collect_results', lambda part, size, device, **_: parts)
    assert metric.evaluate(len(frames)) == expected
    monkeypatch.setattr(vid_metric, 'collect_results', lambda part, size, device, **_: parts[:1])
    with pytest.raises(ValueError, match='30 samples were evaluated, but the data set has 42'):
        metric.evaluate(len(frames))


def test_memory_of_a_detection():
    frame = one_object((0, 0, 7, 7))
    frame['found'] *= 400
    ((_, kept),) = metric_of([frame]).results
    assert kept.found.nbytes + kept.found_labels.nbytes == 300 * 22


# ---- motion


def write_motion(path, values):
    io = pytest.importorskip('scipy.io')
    cells = np.empty((len(values), 1), object)
    for index, frame in enumerate(values):
        inner = np.empty((len(frame), 1), object)
        for k, value in enumerate(frame):
            inner[k, 0] = np.array([[value]]) if value is not None else np.zeros((0, 0))
        cells[index, 0] = inner
    io.savemat(path, dict(motion_iou=cells))
    return str(path)


def test_the_authors_file(tmp_path):
    path = write_motion(tmp_path / 'motion.mat', [[0.95, None], [], [0.3]])
    assert [values.tolist() for values in read_motion_file(path)] == [[0.95, 0.0], [], [0.3]]
    metric = metric_of([one_object((0, 0, 7, 7))], motion_file=write_motion(tmp_path / 'one.mat', [[0.8]]))
    metrics = metric.evaluate(1)
    assert metrics['vid/mAP_medium'] == 100
    assert math.isnan(metrics['vid/mAP_fast'])


def test_no_motion_file(tmp_path):
    pytest.importorskip('scipy')
    with pytest.raises(FileNotFoundError, match=r'there is no motion file .*msracver/Flow-Guided-Feature-Aggregation'):
        VIDMetric(motion_file=str(tmp_path / 'none.mat'))
    (tmp_path / 'text.mat').write_text('not a mat file')
    with pytest.raises(ValueError, match='holds no motion_iou as the authors wrote it'):
        VIDMetric(motion_file=str(tmp_path / 'text.mat'))


def test_a_damaged_motion_file(tmp_path):
    io = pytest.importorskip('scipy.io')
    path = tmp_path / 'motion.mat'
    io.savemat(path, dict(motion_iou=np.zeros((3, 1), object)), do_compression=True)
    whole = path.read_bytes()
    for content in (whole[:140], *(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :] for at in (136, 137, 150))):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'motion\.mat holds no motion_iou as the authors wrote it: '):
            read_motion_file(str(path))


def test_a_motion_file_of_other_frames(tmp_path):
    metric = metric_of([one_object((0, 0, 7, 7))], motion_file=write_motion(tmp_path / 'm.mat', [[0.8, 0.1]]))
    with pytest.raises(ValueError, match=r'does not know the 1 objects of frame 0 of v, number 1 of the list'):
        metric.evaluate(1)


def test_motion_needs_track_ids():
    frame = one_object((0, 0, 7, 7))
    frame['tracks'] = (None,)
    with pytest.raises(ValueError, match=r'frame 0 of v has the track ids \[-1\], but motion needs one'):
        metric_of([frame]).evaluate(1)
    assert metric_of([frame], motion=False).evaluate(1)['vid/mAP'] == 100


def test_track_ids_of_other_boxes():
    frame = one_object((0, 0, 7, 7))
    frame['tracks'] = (0, 1)
    with pytest.raises(ValueError, match=r'has 1 objects, but 2 track_ids: pack with PackClipDetInputs'):
        metric_of([frame])


def test_no_ground_truth():
    with pytest.raises(ValueError, match=r'a\.JPEG has no ground truth: add LoadClipBoxes'):
        VIDMetric().process(None, [dict(img_path='a.JPEG', pred_instances={})])


@pytest.mark.parametrize('distances', [[], [1, 2], [-1]])
def test_wrong_distances(distances):
    with pytest.raises(ValueError, match=r'distances must (be one or more, whole numbers from 0|have 0)'):
        VIDMetric(distances=distances)


@pytest.mark.parametrize('number', [0, -1])
def test_no_detections_may_count(number):
    with pytest.raises(ValueError, match=f'max_per_frame must be a whole number, at least 1, but is {number}'):
        VIDMetric(max_per_frame=number)


@pytest.mark.parametrize('bad', [math.nan, math.inf])
@pytest.mark.parametrize('part', ['score', 'box'])
def test_one_detection_that_is_not_finite_is_a_wrong_one(bad, part):
    frame = one_object((0, 0, 7, 7), score=0.5)
    box = np.array([0, 0, 7, bad if part == 'box' else 7])
    frame['found'].append((bad if part == 'score' else 0.1, 0, box))
    assert metric_of([frame], motion=False).evaluate(1)['vid/mAP'] == 50
