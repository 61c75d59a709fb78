import random

import numpy as np
import pytest
import torch

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
def test_every_frame_gets_the_same_geometry_and_color(seed):
    np.random.seed(seed)
    output = ClipTransform([*GEOMETRY, dict(type='PhotoMetricDistortion')])(results())
    assert len(output['imgs']) == 3
    for image in output['imgs'][1:]:
        assert np.array_equal(image, output['imgs'][0])


class OwnGenerator:
    """Draws from a generator of its own, as the transforms of Albumentations 2 do."""

    def __init__(self):
        self.generator = np.random.default_rng(0)

    def __call__(self, results):
        return {**results, 'img': np.full_like(results['img'], self.generator.integers(256))}


def draw_from(source):
    """Make a transform that paints the image in a random color."""
    draws = {
        'numpy': lambda: np.random.randint(256),
        'python': lambda: random.randrange(256),
        'torch': lambda: int(torch.randint(256, ())),
    }
    return lambda results: {**results, 'img': np.full_like(results['img'], draws[source]())}


@pytest.mark.parametrize(
    'make',
    [
        lambda: draw_from('numpy'),
        lambda: draw_from('python'),
        lambda: draw_from('torch'),
        OwnGenerator,
        lambda: dict(type='RandomGrayscale', prob=0.5, keep_channels=True),
    ],
    ids=['numpy', 'python', 'torch', 'own generator', 'RandomGrayscale'],
)
def test_all_frames_are_alike_whatever_the_source_of_the_draws(make):
    transform = ClipTransform([make()])
    clips = [transform(results(num_frames=4))['imgs'] for _ in range(20)]
    assert all(np.array_equal(frame, clip[0]) for clip in clips for frame in clip)
    assert len({int(clip[0].astype(int).sum()) for clip in clips}) > 1  # each clip has draws of its own


def test_an_image_is_a_clip_of_one_frame():
    image = results()['imgs'][0]
    output = ClipTransform([dict(type='Resize', scale=(30, 20))])(dict(img=image, img_shape=(40, 60), seg_fields=[]))
    packed = PackClipInputs()(dict(img=image, img_shape=(40, 60), ori_shape=(40, 60)))
    assert [frame.shape for frame in output['imgs']] == [(20, 30, 3)]
    assert packed['inputs'].shape == (1, 3, 40, 60)


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


def frame(index, length=30):
    return {'frame_index': index, 'video': 'v', 'frame_paths': ['a.png'] * length}


def draw(num=4000, **kwargs):
    np.random.seed(0)
    transform = SampleKeyFrame(**kwargs)
    drawn = [transform(frame(19))['propagation_distance'] for _ in range(num)]
    return {distance: count / num for distance, count in zip(*np.unique(drawn, return_counts=True), strict=True)}


def test_distance_distributions():
    assert draw(distance=4) == {4: 1.0}
    assert draw(distance=(0, 9)) == pytest.approx(dict.fromkeys(range(10), 0.1), abs=0.02)
    assert draw(distance=(1, 5), zero_probability=0.5) == pytest.approx(
        {0: 0.5, **dict.fromkeys(range(1, 6), 0.1)}, abs=0.03
    )


def test_the_first_frame_of_a_video_is_its_own_key_frame():
    transform = SampleKeyFrame((3, 9), clamp=True)
    assert transform(frame(0))['propagation_distance'] == 0
    assert transform(frame(2))['propagation_distance'] == 2


def test_a_distance_given_by_the_data_set_stays():
    assert SampleKeyFrame((0, 9))({'propagation_distance': 30})['propagation_distance'] == 30


def test_key_frames_on_both_sides():
    """As mmtracking draws them."""
    assert draw(distance=(-9, 9)) == pytest.approx(dict.fromkeys(range(-9, 10), 1 / 19), abs=0.02)
    assert SampleKeyFrame((-9, -3), clamp=True)(frame(28))['propagation_distance'] == -1
    with pytest.raises(ValueError, match='distance 3 is longer than snippet v: only 1 frames come behind'):
        SampleKeyFrame((-3, 0))(frame(28))


def test_an_empty_range():
    with pytest.raises(ValueError, match=r'distance must be a number or a range \(least, greatest\), but is \(3, 2\)'):
        SampleKeyFrame((3, 2))


def test_a_wrong_probability():
    with pytest.raises(ValueError, match=r'zero_probability must be between 0 and 1, but is 2'):
        SampleKeyFrame(zero_probability=2)
