import numpy as np
import pytest

from mmvidext.datasets.flip_labels import flip_label_map
from mmvidext.datasets.synthetic.motion import (
    CAMERA_TURNS,
    FLIP_LABEL_MAP,
    MOTIONS,
    camera_trajectory,
    motion_trajectory,
)
from mmvidext.datasets.synthetic.motion_scene import OBJECTS, camera_scene, motion_scene
from tests.oracles.scene import nearest_centroid_accuracy

SIZE = (128, 96)
BACKWARDS = [(0, 2), (1, 3), (4, 5)]


def trajectory(label, seed, num_frames=20):
    return motion_trajectory(np.random.default_rng(seed), MOTIONS[label], size=SIZE, num_frames=num_frames)


def test_classes_are_in_alphabetical_order():
    assert [motion.name for motion in MOTIONS] == sorted(motion.name for motion in MOTIONS)
    assert all('[something]' in motion.template for motion in MOTIONS)


def test_flip_label_map_follows_from_the_names():
    assert flip_label_map([motion.name for motion in MOTIONS]) == FLIP_LABEL_MAP


@pytest.mark.parametrize(('label', 'other'), BACKWARDS)
def test_each_motion_has_another_that_is_the_same_backwards(label, other):
    for seed in range(5):
        one, two = trajectory(label, seed), trajectory(other, seed)
        np.testing.assert_allclose(one.scale, two.scale[::-1])
        np.testing.assert_allclose(one.angle, two.angle[::-1])
        zoom = trajectory(0, seed)  # stays in its place: shows the jitter, which has no direction
        np.testing.assert_allclose(one.x - zoom.x, (two.x - zoom.x)[::-1], atol=1e-9)
        np.testing.assert_allclose(one.y - zoom.y, (two.y - zoom.y)[::-1], atol=1e-9)


def test_motions_go_where_their_names_say():
    paths = [trajectory(label, 0) for label in range(len(MOTIONS))]
    sign = [[np.sign(values[-1] - values[0]) for values in (path.x, path.y, path.scale)] for path in paths]
    assert (sign[0][2], sign[2][2]) == (-1, 1)
    assert (sign[1][1], sign[3][1]) == (1, -1)
    assert (sign[4][0], sign[5][0]) == (1, -1)


def test_over_all_frames_no_class_differs_in_place_size_or_angle():
    statistics = []
    for label in range(len(MOTIONS)):
        paths = [trajectory(label, seed) for seed in range(label * 1000, label * 1000 + 300)]
        x = np.concatenate([path.x for path in paths]) / SIZE[0] % 1
        y = np.concatenate([path.y for path in paths]) / SIZE[1] % 1
        angle = np.concatenate([path.angle for path in paths]) / (2 * np.pi) % 1
        size = np.log(np.concatenate([path.scale for path in paths]))
        statistics.append(np.concatenate([np.quantile(values, [0.1, 0.5, 0.9]) for values in (x, y, angle, size)]))
    spread = np.ptp(np.array(statistics), axis=0)
    assert spread.max() < 0.2  # of 300 clips each; the quantiles of a class that stood out would be 0.3 and more away


def test_displacement_between_segments_is_clear_but_within_the_reach_of_the_correlation():
    for label, name in ((1, 'y'), (4, 'x')):
        for seed in range(20):
            steps = np.abs(np.diff(getattr(trajectory(label, seed), name)[::3]))
            assert 4 < np.median(steps) < 40


@pytest.mark.parametrize('frame', [0, 9])
def test_single_frames_stay_near_chance(frame):
    features, labels = [], []
    for seed in range(360):
        rng = np.random.default_rng([7, seed])
        label = seed % len(MOTIONS)
        scene = motion_scene(
            rng, label, shape=OBJECTS[seed // len(MOTIONS) % len(OBJECTS)], size=(64, 48), num_frames=20
        )
        view = scene.view(frame)
        thumbnail = view.image.reshape(8, 6, 8, 8, 3).mean(axis=(1, 3)).ravel() / 64
        place = (view.classes > 0).reshape(8, 6, 8, 8).mean(axis=(1, 3)).ravel()
        features.append(np.concatenate([thumbnail, place, [np.mean(view.classes > 0) * 5]]))
        labels.append(label)
    features, labels = np.array(features), np.array(labels)
    accuracy = nearest_centroid_accuracy(features[:240], labels[:240], features[240:], labels[240:])
    assert accuracy < 1 / len(MOTIONS) + 0.1


def test_camera_turns_move_the_picture_the_other_way():
    names = [turn.name for turn in CAMERA_TURNS]
    assert names == sorted(names)
    assert flip_label_map(names) == {1: 2, 2: 1}
    for seed in range(5):
        paths = [
            camera_trajectory(np.random.default_rng(seed), turn, size=SIZE, num_frames=20) for turn in CAMERA_TURNS
        ]
        moved = [(np.sign(path.x[-1] - path.x[0]), np.sign(path.y[-1] - path.y[0])) for path in paths]
        assert (moved[0][1], moved[3][1]) == (-1, 1)  # downward, upward
        assert (moved[1][0], moved[2][0]) == (1, -1)  # left, right
        np.testing.assert_allclose((paths[0].x + paths[3].x) / 2, paths[1].x / 2 + paths[2].x / 2)


def test_under_a_turning_camera_everything_moves_alike():
    scene = camera_scene(np.random.default_rng(3), 1, shape='star', size=(64, 48), num_frames=20)
    flow = scene.flow(4, 8)
    assert scene.view(4).layers.max() > 0
    assert np.ptp(flow.reshape(-1, 2), axis=0).max() < 1e-4
    assert flow[..., 0].min() > 1
