from dataclasses import replace

import numpy as np
import pytest

from mmvidext.datasets.synthetic.random_scene import GROUND, THIN, THINGS, SceneOptions, random_scene

SMALL = SceneOptions((96, 64), 6, 4.0)


@pytest.mark.parametrize('max_displacement', [0.0, 2.0, 40.0])
def test_no_visible_point_moves_farther_than_allowed(max_displacement):
    options = SceneOptions((96, 64), 6, max_displacement, thin_objects=2)
    lengths = [
        np.linalg.norm(random_scene(np.random.default_rng(seed), options).flow(frame), axis=-1).max()
        for seed in range(6)
        for frame in (0, 4)
    ]
    assert max(lengths) <= max_displacement + 1e-3
    assert max(lengths) >= 0.4 * max_displacement


def test_objects_that_are_kept_in_view_are_whole_in_every_frame_and_as_fast():
    options = SceneOptions((96, 64), 20, 8.0, num_objects=1, keep_in_view=True)
    for seed in range(6):
        scene, free = (
            random_scene(np.random.default_rng(seed), replace(options, keep_in_view=kept)) for kept in (True, False)
        )
        areas = [np.count_nonzero(scene.view(frame).layers) for frame in range(20)]
        sizes = scene.layers[1].trajectory.scale ** 2
        np.testing.assert_allclose(areas / sizes, np.mean(areas / sizes), rtol=0.15)
        path, free_path = scene.layers[1].trajectory, free.layers[1].trajectory
        assert np.abs(np.diff(path.x)).max() == pytest.approx(np.abs(np.diff(free_path.x)).max())
        assert max(np.linalg.norm(scene.flow(frame), axis=-1).max() for frame in range(19)) <= 8.0 + 1e-3


def test_classes_are_of_the_kinds_and_two_of_them_are_ground():
    found = set()
    for seed in range(8):
        found |= set(np.unique(random_scene(np.random.default_rng(seed), SMALL).view(0).classes))
    assert found <= {kind.train_id for kind in (*GROUND, *THINGS)}
    assert found >= {kind.train_id for kind in GROUND}
    assert len(found) > 6


def test_thin_objects_are_thin():
    options = SceneOptions((256, 128), 2, 1.0, num_objects=0, thin_objects=1)
    widths = []
    for seed in range(6):
        poles = random_scene(np.random.default_rng(seed), options).view(0).classes == THIN.train_id
        if poles.any():
            y, x = np.nonzero(poles)
            widths.append(poles.sum() / np.hypot(np.ptp(x), np.ptp(y)))  # area by length
    assert len(widths) > 2
    assert 1.5 < np.mean(widths) < 6


def test_the_border_between_grounds_moves_with_the_flow():
    options = SceneOptions((96, 64), 2, 8.0, num_objects=0)
    scene = random_scene(np.random.default_rng(1), options)
    first, second, flow = scene.view(0), scene.view(1), scene.flow(0)
    y, x = np.mgrid[:64, :96]
    column, row = np.round(x + flow[..., 0]).astype(int), np.round(y + flow[..., 1]).astype(int)
    inside = (column >= 0) & (column < 96) & (row >= 0) & (row < 64)
    followed = second.classes[row[inside], column[inside]]
    assert np.mean(followed == first.classes[inside]) > 0.98
    assert np.mean(second.classes == first.classes) < 0.98


def test_the_generator_alone_decides():
    one, two, other = (random_scene(np.random.default_rng(seed), SMALL).view(3).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.mean(one != other) > 0.5


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(size=(8, 64)), r'sides of at least 16 pixels and a frame, but size is \(8, 64\)'),
        (dict(num_frames=0), 'num_frames 0'),
        (dict(max_displacement=-1.0), 'must be finite and 0 or more, but are -1.0, 6 and 0'),
        (dict(max_displacement=float('nan')), 'must be finite and 0 or more, but are nan, 6 and 0'),
        (dict(thin_objects=-2), 'must be finite and 0 or more, but are 4.0, 6 and -2'),
    ],
)
def test_options_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        SceneOptions(**{**dict(size=(96, 64), num_frames=6, max_displacement=4.0), **change})
