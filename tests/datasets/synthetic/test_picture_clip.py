"""Clips of a camera that moves over photographs: what the labels say is what the pixels do."""

import json

import cv2
import numpy as np
import pytest

from mmvidext.datasets.synthetic.picture_camera import CAMERA_MOTIONS, CameraPath, random_camera_path
from mmvidext.datasets.synthetic.picture_clip import list_textures, picture_clip
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from mmvidext.datasets.synthetic.texture import gray_noise

LABELS = range(len(CAMERA_MOTIONS))


def straight(num_moments=1, **changes):
    """A camera that looks straight at the middle of the picture."""
    zeros = dict(position=np.zeros((num_moments, 2)), zoom=np.ones(num_moments), angles=np.zeros((num_moments, 3)))
    return CameraPath(**{**zeros, 'focal': 1.5, **changes})


def seen(path, point):
    x, y, depth = path.matrix(0) @ [*point, 1]
    return np.array([x, y]) / depth


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, (0.2, -0.1)),
        (dict(position=np.array([[0.2, -0.1]])), (0, 0)),  # above the point
        (dict(zoom=np.array([2.0])), (0.4, -0.2)),
        (dict(angles=np.array([[np.arctan(0.2 / 1.5), 0, 0]])), (0, None)),  # turned to the right, to the point
        (dict(angles=np.array([[0, np.arctan(-0.1 / 1.5), 0]])), (None, 0)),  # upward
    ],
)
def test_where_a_point_is_seen(changes, expected):
    for found, value in zip(seen(straight(**changes), (0.2, -0.1)), expected, strict=True):
        assert value is None or abs(found - value) < 1e-12


@pytest.mark.parametrize('right', [0, 4])
def test_a_camera_that_moves_to_the_right_sees_what_is_at_the_right(right):
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = straight(position=np.array([[right / 24, 0]]))
    frame = path.view(picture, 0, size=(32, 24), scale=24)
    shift = np.array([[1, 0, -16.5 - right], [0, 1, -12.5]])  # the middle is between two pixels
    np.testing.assert_allclose(frame.astype(int), cv2.warpAffine(picture, shift, (32, 24)), atol=1)


@pytest.mark.parametrize('label', LABELS)
def test_a_path_does_what_its_label_says(label):
    """The largest change of what is seen in the middle, over many paths, is that of the motion."""
    motion = CAMERA_MOTIONS[label]
    for seed in range(30):
        path = random_camera_path(np.random.default_rng(seed), motion, num_moments=24)
        assert len(path) == 24
        way = path.position + path.focal * np.tan(path.angles[:, :2])
        x, y = way[-1] - way[0]
        growth = np.log(path.zoom[-1] / path.zoom[0])
        change = {'x': x, 'y': y, 'zoom': growth}
        wanted = {name: getattr(motion, name) for name in change if getattr(motion, name)}
        for name, sign in wanted.items():
            assert sign * change[name] > 0.03
        if not wanted:
            assert max(map(abs, change.values())) < 0.05


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photographs')
    for number in range(3):
        cv2.imwrite(str(folder / f'{number}.png'), gray_noise(np.random.default_rng(number), 128, cells=16))
    (folder / 'read_me.txt').touch()
    return folder


def frames(folder, label, seed=0, size=(48, 36), num_frames=6):
    options = dict(textures=list_textures(folder), shape='star', size=size, num_frames=num_frames)
    return list(picture_clip(np.random.default_rng([label, seed]), label, **options))


def test_a_clip_depends_on_its_numbers_alone(folder):
    first, again, other = frames(folder, 4), frames(folder, 4), frames(folder, 4, seed=1)
    assert len(first) == 6
    assert all(frame.shape == (36, 48, 3) and frame.dtype == np.uint8 for frame in first)
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_data_set_of_them(folder, tmp_path):
    write_sthv2(tmp_path, num_train=14, num_val=7, size=(32, 24), num_frames=4, textures=folder)
    labels = json.loads((tmp_path / 'something-something-v2-labels.json').read_text())
    assert labels == {motion.name: str(label) for label, motion in enumerate(CAMERA_MOTIONS)}
    items = json.loads((tmp_path / 'something-something-v2-train.json').read_text())
    assert sorted(item['template'] for item in items) == sorted(2 * [motion.template for motion in CAMERA_MOTIONS])
    assert len(list((tmp_path / 'videos').iterdir())) == 21
    assert json.loads((tmp_path / 'synthetic.json').read_text())['textures'] == ['0.png', '1.png', '2.png']


def test_a_folder_without_photographs(tmp_path):
    with pytest.raises(ValueError, match=r'has 0 pictures \(\.jpg, \.jpeg, \.png\), but at least 2 are needed'):
        write_sthv2(tmp_path / 'out', textures=tmp_path)
