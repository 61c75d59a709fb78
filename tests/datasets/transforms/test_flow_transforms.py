import numpy as np
import pytest
import torch

from mmvidext.datasets.transforms.flow_affine import AffineRange, FlowPairAffine, warp_flow_pair
from mmvidext.datasets.transforms.flow_color import FlowPairColorJitter, FlowPairGamma, FlowPairNoise, adjust_color
from mmvidext.datasets.transforms.flow_geometry import FlowPairCrop, FlowPairFlip
from mmvidext.ops import flow_warp


@pytest.fixture(autouse=True)
def fixed_numpy_seed():
    np.random.seed(0)


def smooth_image(x, y):
    """An image given as a function of the place, so that it can be moved without resampling."""
    channels = [np.sin(x / 5 + phase) + np.cos(y / 7 - phase) for phase in (0.0, 1.0, 2.0)]
    return (np.stack(channels, -1) * 60 + 127).astype(np.float32)


def make_pair(height=40, width=56):
    """A pair whose second image is the first one moved by a flow that changes from place to place, exactly."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    flow = np.stack((0.05 * x + 1, -0.04 * y + 0.5), -1)
    # q = p + flow(p) is solved for p, so that second(q) = first(p)
    second = smooth_image((x - 1) / 1.05, (y - 0.5) / 0.96)
    valid = np.ones((height, width), bool)
    return dict(img1=smooth_image(x, y), img2=second, gt_flow=flow.astype(np.float32), gt_valid=valid)


def photometric_error(results):
    """How far the second image, warped back by the flow, is from the first, away from the border."""
    second = torch.from_numpy(np.ascontiguousarray(results['img2'])).permute(2, 0, 1)[None]
    flow = torch.from_numpy(np.ascontiguousarray(results['gt_flow'])).permute(2, 0, 1)[None]
    warped = flow_warp(second, flow)[0].permute(1, 2, 0).numpy()
    return np.abs(warped - results['img1'])[6:-6, 6:-6][results['gt_valid'][6:-6, 6:-6]].max()


def test_the_pair_itself_is_consistent():
    pair = make_pair()
    assert photometric_error(pair) < 1
    pair['gt_flow'][..., 0] += 1
    assert photometric_error(pair) > 10


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
def test_flip_keeps_flow_and_images_consistent(direction):
    pair = make_pair()
    original = pair['img1'].copy()
    flipped = FlowPairFlip(1.0, direction=direction)(pair)
    assert photometric_error(flipped) < 1
    np.testing.assert_array_equal(np.flip(flipped['img1'], 1 if direction == 'horizontal' else 0), original)
    assert FlowPairFlip(0.0)(flipped)['img1'] is flipped['img1']


def test_crop_cuts_one_window_from_everything():
    pair = make_pair()
    pair['gt_valid'][:, ::2] = False
    pair['index'] = None
    codes = np.arange(40 * 56, dtype=np.float32).reshape(40, 56, 1)
    pair.update(img1=codes, img2=codes + 0.5, gt_flow=np.concatenate((codes, -codes), -1))
    cropped = FlowPairCrop((30, 20))(pair)
    assert cropped['img1'].shape == (30, 20, 1)
    np.testing.assert_array_equal(cropped['img2'], cropped['img1'] + 0.5)
    np.testing.assert_array_equal(cropped['gt_flow'][..., :1], cropped['img1'])
    np.testing.assert_array_equal(cropped['gt_valid'], cropped['img1'][..., 0] % 56 % 2 == 1)
    with pytest.raises(ValueError, match=r'crop_size is \(31, 20\) .* but the pair is only \(30, 20\)'):
        FlowPairCrop((31, 20))(cropped)


def test_affine_keeps_flow_and_images_consistent():
    shared = dict(translate=0.05, zoom=(1.1, 1.5), stretch=(0.86, 1.16), rotate=10)
    relative = dict(translate=0.02, zoom=(0.95, 1.05), rotate=2)
    changed = 0
    for _ in range(10):
        pair = make_pair()
        original = pair['gt_flow']
        out = FlowPairAffine(shared=shared, relative=relative)(pair)
        assert photometric_error(out) < 3
        changed += np.abs(out['gt_flow'] - original).max() > 0.5
        assert out['gt_valid'].mean() > 0.9
    assert changed >= 8


def test_identity_and_pure_shift_are_exact():
    pair = make_pair()
    same = warp_flow_pair(dict(pair), np.eye(3), np.eye(3))
    for key in ('img1', 'img2', 'gt_valid'):
        np.testing.assert_array_equal(same[key], pair[key])
    np.testing.assert_allclose(same['gt_flow'], pair['gt_flow'], atol=1e-5)
    shift = np.eye(3)
    shift[0, 2] = 2  # the second output image shows what lies two pixels to the right
    moved = warp_flow_pair(dict(pair), np.eye(3), shift)
    np.testing.assert_array_equal(moved['img2'][:, :-2], pair['img2'][:, 2:])
    np.testing.assert_allclose(moved['gt_flow'], pair['gt_flow'] - [2, 0], atol=1e-5)


def test_unknown_flow_stays_unknown_and_does_not_spread():
    pair = make_pair()
    pair['gt_valid'][10, 20] = False
    pair['gt_flow'][10, 20] = np.nan
    half = np.eye(3)
    half[0, 2] = 0.5
    out = warp_flow_pair(pair, half, half)
    assert np.argwhere(~out['gt_valid']).tolist()[:2] == [[0, 55], [1, 55]]  # interpolated with what is outside
    assert np.argwhere(~out['gt_valid'][:, :-1]).tolist() == [[10, 19], [10, 20]]
    assert np.isfinite(out['gt_flow']).all()


def test_sparse_flow_keeps_its_density_and_its_vectors():
    """Lidar knows every fourth pixel of KITTI at most, and never four that touch."""
    pair = make_pair()
    known = np.zeros((40, 56), bool)
    known[::2, ::2] = True
    pair['gt_valid'] = known
    pair['gt_flow'][~known] = 1e9
    shared, relative = dict(translate=0.05, zoom=(1.1, 1.5), rotate=10), dict(translate=0.02, rotate=2)
    shares = []
    for _ in range(10):
        out = FlowPairAffine(shared=shared, relative=relative)({**pair})
        assert photometric_error(out) < 12  # a vector may belong to a place half a pixel away
        shares.append(out['gt_valid'].mean())
    assert np.mean(shares) == pytest.approx(known.mean(), rel=0.1)


def test_a_sparse_vector_moves_exactly():
    pair = make_pair()
    pair['gt_valid'] = np.zeros((40, 56), bool)
    pair['gt_valid'][10, 20] = True
    first = np.diag([0.5, 0.5, 1.0])  # everything is magnified by 2
    second = first.copy()
    second[0, 2] = 3  # pixels of the input
    flow = pair['gt_flow'][10, 20].copy()
    out = warp_flow_pair(pair, first, second)
    rows, columns = np.nonzero(out['gt_valid'])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (19, 21, 39, 41)
    np.testing.assert_allclose(out['gt_flow'][20, 40], 2 * flow - [6, 0], atol=1e-5)


def test_occlusions_follow_the_first_image():
    pair = make_pair()
    pair['gt_occluded'] = np.zeros((40, 56), bool)
    pair['gt_occluded'][:, 10] = True
    shift = np.eye(3)
    shift[0, 2] = 2
    moved = warp_flow_pair({**pair}, shift, np.eye(3))
    assert np.unique(np.argwhere(moved['gt_occluded'])[:, 1]).tolist() == [8]
    flipped = FlowPairFlip(1.0)({**pair})
    assert np.unique(np.argwhere(flipped['gt_occluded'])[:, 1]).tolist() == [45]
    assert FlowPairCrop((30, 20))({**pair})['gt_occluded'].shape == (30, 20)


def test_affine_range_draws_what_it_says():
    matrix = AffineRange(zoom=(2, 2), stretch=(2, 2)).draw(11, 21)
    np.testing.assert_allclose(np.linalg.inv(matrix)[:2, :2], np.diag([4, 1]), atol=1e-12)
    np.testing.assert_allclose(matrix @ [10, 5, 1], [10, 5, 1])
    rotations = [AffineRange(rotate=10).draw(5, 5)[1, 0] for _ in range(50)]
    assert max(rotations) < np.sin(np.deg2rad(10.01))
    assert min(rotations) < -0.1
    shifts = np.array([AffineRange(translate=0.1).draw(100, 200)[:2, 2] for _ in range(100)])
    assert (np.abs(shifts).max(0) <= [20, 10]).all()
    assert (np.abs(shifts).max(0) > [15, 7]).all()
    with pytest.raises(ValueError, match=r'zoom must be \(smallest, largest\), .*, but is \(0, 1\)'):
        AffineRange(zoom=(0, 1))
    with pytest.raises(ValueError, match='rotate must be between 0 and 180, but is -1'):
        AffineRange(rotate=-1)


def test_a_pair_without_flow_is_transformed_alike():
    for transform in (FlowPairFlip(1.0), FlowPairAffine(shared=dict(zoom=(1.1, 1.3)))):
        results = []
        for names in (('img1', 'img2'), ('img1', 'img2', 'gt_flow', 'gt_valid')):
            np.random.seed(0)
            pair = make_pair()
            results.append(transform({name: pair[name] for name in names}))
        assert set(results[0]) == {'img1', 'img2'}
        for name in ('img1', 'img2'):
            np.testing.assert_array_equal(results[0][name], results[1][name])
            assert not np.array_equal(results[0][name], make_pair()[name])


def test_pair_stays_when_no_map_fits():
    pair = make_pair()
    out = FlowPairAffine(shared=dict(zoom=(0.5, 0.5)), max_draws=3)(dict(pair))
    np.testing.assert_array_equal(out['img1'], pair['img1'])


def test_color_changes_are_shared_and_noise_is_not():
    image = np.random.randint(0, 256, (8, 9, 3)).astype(np.uint8)
    for transform in (FlowPairColorJitter(), FlowPairGamma()):
        out = transform(dict(img1=image, img2=image))
        np.testing.assert_array_equal(out['img1'], out['img2'])
        assert np.abs(out['img1'] - image).max() > 1
        assert out['img1'].dtype == np.float32
        assert out['img1'].min() >= 0
        assert out['img1'].max() <= 255
    gray = np.full((50, 50, 3), 128, np.uint8)
    out = FlowPairNoise((0.04, 0.04))(dict(img1=gray, img2=gray))
    first, second = (out[key] - 128 for key in ('img1', 'img2'))
    assert first.std() == pytest.approx(0.04 * 255, rel=0.05)
    assert abs((first * second).mean()) < 0.05 * first.var()


def test_adjust_color():
    image = np.array([[[200.0, 100.0, 50.0]], [[10.0, 20.0, 30.0]]], np.float32)
    gray = image @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(adjust_color(image, 'brightness', 0.5), image / 2)
    np.testing.assert_allclose(adjust_color(image, 'saturation', 0.0), np.repeat(gray[..., None], 3, -1), rtol=1e-5)
    np.testing.assert_allclose(adjust_color(image, 'contrast', 0.0), np.full_like(image, gray.mean()), rtol=1e-5)
    np.testing.assert_allclose(adjust_color(image, 'hue', 1 / 3), image[..., [2, 0, 1]], atol=1e-2)
    np.testing.assert_allclose(adjust_color(image, 'hue', 0.0), image, atol=1e-2)
    assert adjust_color(image, 'brightness', 9.0).max() == 255


def test_color_errors():
    with pytest.raises(ValueError, match=r'hue must be between 0 and 0\.5, but is 0\.6'):
        FlowPairColorJitter(hue=0.6)
    with pytest.raises(ValueError, match='gamma_range must be'):
        FlowPairGamma((2, 1))
    with pytest.raises(ValueError, match='sigma_range must be'):
        FlowPairNoise((-1, 1))
    with pytest.raises(ValueError, match="direction must be 'horizontal' or 'vertical', not 'diagonal'"):
        FlowPairFlip(direction='diagonal')
    with pytest.raises(ValueError, match='prob must be between 0 and 1, but is 2'):
        FlowPairFlip(2)
