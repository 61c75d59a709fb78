import cv2
import numpy as np
import pytest

from mmvidext.datasets.synthetic.motion_scene import background_layer, motion_scene, object_layer
from mmvidext.datasets.synthetic.scene import Scene
from mmvidext.datasets.synthetic.trajectory import Trajectory
from tests.oracles.scene import backward_sample


def still(num_frames, x=20.0, y=15.0, scale=1.0, angle=0.0):
    return Trajectory(*(np.full(num_frames, value) for value in (x, y, scale, angle)))


def moving(**changes):
    """A trajectory of two frames; each change is the pair of values."""
    values = {name: np.array(changes.get(name, default), float) for name, default in
              {'x': (20, 20), 'y': (15, 15), 'scale': (8, 8), 'angle': (0, 0)}.items()}  # fmt: skip
    return Trajectory(**values)


def two_layers(item, background=None, shape='square'):
    rng = np.random.default_rng(3)
    size = (40, 30)
    base = background_layer(rng, still(2) if background is None else background, size=size)
    return Scene([base, object_layer(rng, shape, item, class_id=4)], size)


def interior(mask, steps=2):
    """Drop a rim of ``steps`` pixels, where soft edges mix two layers."""
    return cv2.erode(mask.astype(np.uint8), np.ones((2 * steps + 1, 2 * steps + 1), np.uint8), borderValue=0) > 0


@pytest.mark.parametrize('label', range(6))
def test_warping_back_with_the_exact_flow_gives_the_first_frame(label):
    scene = motion_scene(np.random.default_rng(label), label, shape='cross', size=(64, 48), num_frames=12)
    start, end = 2, 5
    first, second = scene.view(start), scene.view(end)
    warped = backward_sample(second.image, scene.flow(start, end))
    visible = ~scene.occlusion(start, end)
    # away from every edge of either frame, only the interpolation of a coarse texture differs
    edges = sum(np.abs(cv2.Laplacian(view.layers.astype(np.float32), cv2.CV_32F)) for view in (first, second)) > 0
    visible &= interior(visible) & interior(~edges)
    error = np.abs(warped - first.image)[visible]
    assert visible.mean() > 0.3
    assert error.mean() < 3
    unmoved = np.abs(second.image.astype(float) - first.image)[visible & (first.layers > 0)]
    moved = np.abs(warped - first.image)[visible & (first.layers > 0)]
    assert moved.mean() < 0.5 * unmoved.mean()


def test_flow_of_a_translation_is_the_translation_on_the_object_and_zero_behind_it():
    scene = two_layers(moving(x=(12.25, 17.0), y=(15, 13.5)))
    view, flow = scene.view(0), scene.flow(0)
    assert view.layers.max() == 1
    np.testing.assert_allclose(
        flow[view.layers == 1], np.broadcast_to([4.75, -1.5], (np.sum(view.layers == 1), 2)), atol=1e-5
    )
    np.testing.assert_allclose(flow[view.layers == 0], 0, atol=1e-6)


def test_flow_of_zoom_and_turn_follows_the_formula():
    scene = two_layers(moving(scale=(8, 10), angle=(0.2, 0.5)))
    view, flow = scene.view(0), scene.flow(0)
    for y, x in np.argwhere(view.layers == 1):
        arm = np.array([x - 20, y - 15])
        turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
        np.testing.assert_allclose(flow[y, x], 1.25 * turn @ arm - arm, atol=1e-4)


def test_a_positive_angle_turns_clockwise_on_the_screen():
    scene = two_layers(moving(angle=(0, 0.1)))
    right_of_center = scene.flow(0)[15, 25]
    assert right_of_center[1] > 0.4  # downward


def test_flow_to_the_same_frame_is_zero_and_there_and_back_cancels():
    scene = two_layers(moving(x=(15, 21), angle=(0, 0.4)), background=moving(x=(0, 2.5), scale=(1, 1.1)))
    np.testing.assert_allclose(scene.flow(0, 0), 0, atol=1e-5)
    there = scene.flow(0, 1)
    back = backward_sample(scene.flow(1, 0), there)
    visible = interior(~scene.occlusion(0, 1)) & ~np.isnan(back).any(axis=-1)
    same_layer = interior(scene.view(0).layers == 0, 4) | interior(scene.view(0).layers == 1, 4)
    visible &= same_layer & interior(backward_sample((scene.view(1).layers[..., None]), there)[..., 0] % 1 == 0)
    assert visible.mean() > 0.2
    np.testing.assert_allclose((there + back)[visible], 0, atol=1e-4)


def test_occlusion_is_what_the_object_covers_next_and_what_leaves():
    scene = two_layers(moving(x=(10, 16)))
    first, second, occluded = scene.view(0), scene.view(1), scene.occlusion(0)
    np.testing.assert_array_equal(occluded, (first.layers == 0) & (second.layers == 1))
    leaving = two_layers(moving(x=(30, 45)))
    columns = np.argwhere(leaving.occlusion(0) & (leaving.view(0).layers == 1))[:, 1]
    assert columns.min() == 25  # 24 is the last that stays within 39


def test_classes_and_layers_agree_and_the_last_layer_is_in_front():
    rng = np.random.default_rng(0)
    item = object_layer(rng, 'disc', moving(), class_id=7)
    hidden = object_layer(rng, 'disc', moving(scale=(5, 5)), class_id=2)
    scene = Scene([background_layer(rng, still(2), size=(40, 30), class_id=1), hidden, item], (40, 30))
    view = scene.view(0)
    assert set(np.unique(view.classes)) == {1, 7}
    np.testing.assert_array_equal(view.classes == 7, view.layers == 2)
    area = np.sum(view.classes == 7)
    assert abs(area - np.pi * 8**2) < 15


def test_segments_of_equal_class_move_as_one_under_translation():
    scene = motion_scene(np.random.default_rng(1), 4, shape='square', size=(64, 48), num_frames=10)
    view, flow = scene.view(3), scene.flow(3)
    for layer in np.unique(view.layers):
        assert np.ptp(flow[view.layers == layer], axis=0).max() < 1e-4
    assert len(np.unique(np.round(flow[view.classes == 0], 4), axis=0)) == 1


def test_a_view_is_the_same_every_time_and_differs_with_the_seed():
    views = [
        motion_scene(np.random.default_rng(seed), 0, shape='star', size=(64, 48), num_frames=4).view(2).image
        for seed in (5, 5, 6)
    ]
    np.testing.assert_array_equal(views[0], views[1])
    assert np.mean(views[0] != views[2]) > 0.5


def test_an_object_out_of_sight_changes_nothing():
    scene = two_layers(moving(x=(-50, -50)))
    assert scene.view(0).layers.max() == 0


def test_errors():
    rng = np.random.default_rng(0)
    base, item = background_layer(rng, still(2), size=(40, 30)), object_layer(rng, 'disc', still(3))
    with pytest.raises(ValueError, match=r'same number of frames, but they have \[2, 3\]'):
        Scene([base, item], (40, 30))
    with pytest.raises(ValueError, match='one background'):
        Scene([item], (40, 30))
    scene = Scene([base], (40, 30))
    for frame in (-1, 2):
        with pytest.raises(IndexError, match=f'frames 0 to 1, but frame {frame} was asked for'):
            scene.view(frame)
    with pytest.raises(IndexError, match='frame 2 was asked for'):
        scene.flow(1)
