import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.datasets.transforms import ClipTransform, PackClipInputs, SampleKeyFrame


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')


def results(num_frames=3):
    """Frames whose pixels say where they come from; the label says the same as the first channel."""
    rows, columns = np.mgrid[0:40, 0:60].astype(np.uint8)
    image = np.stack([rows, columns, rows], axis=-1)
    return dict(
        imgs=[image.copy() for _ in range(num_frames)],
        img_shape=(40, 60),
        ori_shape=(40, 60),
        gt_seg_map=rows.copy(),
        seg_fields=['gt_seg_map'],
        frame_paths=('a.png',),
    )


GEOMETRY = [
    dict(type='RandomResize', scale=(60, 40), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(16, 24), cat_max_ratio=0.1),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomRotate', prob=0.5, degree=20),
]


@pytest.mark.parametrize('seed', range(8))
def test_every_frame_gets_the_same_geometry_and_colour(seed):
    np.random.seed(seed)
    output = ClipTransform([*GEOMETRY, dict(type='PhotoMetricDistortion')])(results())
    assert len(output['imgs']) == 3
    for image in output['imgs'][1:]:
        assert np.array_equal(image, output['imgs'][0])


def test_the_label_follows_the_frames():
    for seed in range(5):
        np.random.seed(seed)
        output = ClipTransform([dict(type='RandomCrop', crop_size=(16, 24)), dict(type='RandomFlip', prob=0.5)])(
            results()
        )
        assert np.array_equal(output['gt_seg_map'], output['imgs'][0][..., 0])


def test_draws_differ_from_clip_to_clip():
    np.random.seed(0)
    transform = ClipTransform([dict(type='RandomCrop', crop_size=(4, 4))])
    corners = {tuple(transform(results())['imgs'][0][0, 0]) for _ in range(10)}
    assert len(corners) > 5


def test_the_input_is_left_as_it_is():
    given = results()
    image = given['imgs'][0].copy()
    ClipTransform([dict(type='PhotoMetricDistortion')])(given.copy())
    assert np.array_equal(given['imgs'][0], image)


def test_pack():
    packed = PackClipInputs()({**results(), 'propagation_distance': 2, 'video': 'v', 'frame_index': 5})
    assert packed['inputs'].shape == (3, 3, 40, 60)
    assert packed['inputs'][0, 1, 0, :3].tolist() == [0, 1, 2]
    assert packed['data_samples'].propagation_distance == 2
    assert packed['data_samples'].gt_sem_seg.data.shape == (1, 40, 60)


def draw(num=4000, **kwargs):
    np.random.seed(0)
    transform = SampleKeyFrame(**kwargs)
    drawn = [transform({'frame_index': 19, 'video': 'v'})['propagation_distance'] for _ in range(num)]
    return {distance: count / num for distance, count in zip(*np.unique(drawn, return_counts=True), strict=True)}


def test_distance_distributions():
    assert draw(distance=4) == {4: 1.0}
    assert draw(distance=(0, 9)) == pytest.approx(dict.fromkeys(range(10), 0.1), abs=0.02)
    assert draw(distance=(1, 5), zero_probability=0.5) == pytest.approx(
        {0: 0.5, **dict.fromkeys(range(1, 6), 0.1)}, abs=0.03
    )


def test_the_first_frame_of_a_video_is_its_own_key_frame():
    transform = SampleKeyFrame((3, 9), clamp=True)
    assert transform({'frame_index': 0, 'video': 'v'})['propagation_distance'] == 0
    assert transform({'frame_index': 2, 'video': 'v'})['propagation_distance'] == 2


def test_a_distance_given_by_the_data_set_stays():
    assert SampleKeyFrame((0, 9))({'propagation_distance': 30})['propagation_distance'] == 30


@pytest.mark.parametrize('distance', [-1, (3, 2), (-1, 4)])
def test_a_wrong_range(distance):
    with pytest.raises(ValueError, match='distance must be a number >= 0 or a range'):
        SampleKeyFrame(distance)


def test_a_wrong_probability():
    with pytest.raises(ValueError, match=r'zero_probability must be in \[0, 1\], but got 2'):
        SampleKeyFrame(zero_probability=2)
