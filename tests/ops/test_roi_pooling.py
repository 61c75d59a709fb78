"""RoIAlign and position-sensitive RoI pooling against loops; odd boxes, none, half precision."""

import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import ps_roi_pool, roi_align
from tests.oracles import roi_pooling as oracle

# in pixels of an image 4 times as large as the 7x9 map; whole pixels, beyond every border, points, turned over
ROIS = torch.tensor(
    [
        *[[0, 3.3, 4.1, 21.7, 17.9], [1, 0, 0, 36, 28], [1, 8, 4, 16, 12], [0, -30, -9, 70, 55], [1, 20, 20, 36, 28]],
        *[[0, 5, 5, 5, 5], [0, 9, 8, 2, 3], [1, -400, -400, -100, -100], [0, 200, 3, 400, 9], [1, 2, -90, 9, 400]],
    ],
    dtype=torch.float64,
)
HUGE = torch.tensor([[0, -3e4, -3e4, 3e4, 3e4], [0, 1e7, 1e7, 2e7, 2e7], [1, 3, -1e9, 30, 1e9]], dtype=torch.float64)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 1, 2])
def test_roi_align_equals_the_loop(sampling_ratio, aligned, backend):
    feature = torch.randn(2, 3, 7, 9, dtype=torch.float64)
    settings = dict(spatial_scale=0.25, sampling_ratio=sampling_ratio, aligned=aligned)
    expected = oracle.roi_align(feature, ROIS, (2, 3), **settings)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        pooled = roi_align(feature.to(dtype), ROIS.to(dtype), (2, 3), backend=backend, **settings)
        torch.testing.assert_close(pooled, expected.to(dtype), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize('size', [(1, 1), (1, 5), (4, 1)])
def test_roi_align_of_narrow_maps(size):
    feature = torch.randn(2, 2, *size, dtype=torch.float64)
    for sampling_ratio in (0, 2):
        settings = dict(spatial_scale=0.25, sampling_ratio=sampling_ratio)
        expected = oracle.roi_align(feature, ROIS, (2, 2), **settings)
        torch.testing.assert_close(roi_align(feature, ROIS, (2, 2), backend='torch', **settings), expected)


def test_roi_align_of_huge_boxes_costs_no_more_than_the_map():
    feature = torch.randn(2, 3, 7, 9, dtype=torch.float64)
    pooled = roi_align(feature, HUGE, (3, 3), spatial_scale=0.25, backend='torch')
    assert pooled.isfinite().all()
    assert (pooled[1] == 0).all()
    box = torch.tensor([[0, -200.0, -150.0, 220.0, 180.0]], dtype=torch.float64)
    expected = oracle.roi_align(feature, box, (2, 2), spatial_scale=0.25)
    torch.testing.assert_close(roi_align(feature, box, (2, 2), spatial_scale=0.25, backend='torch'), expected)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_gradient(sampling_ratio, backend):
    feature = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    settings = dict(spatial_scale=0.25, sampling_ratio=sampling_ratio, backend=backend)
    assert gradcheck(lambda x: roi_align(x, ROIS, (2, 2), **settings), (feature,), nondet_tol=1e-12)


def test_ps_roi_pool_equals_the_loop():
    feature = torch.randn(2, 2 * 9, 7, 9, dtype=torch.float64)
    rois = torch.cat((ROIS, HUGE, torch.tensor([[0, 2.5, 4.5, 10.5, 8.5], [1, -6.5, -2.5, 7.5, 30]]).double()))
    expected = oracle.ps_roi_pool(feature, rois, 3, spatial_scale=0.25)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        pooled = ps_roi_pool(feature.to(dtype), rois.to(dtype), 3, spatial_scale=0.25)
        torch.testing.assert_close(pooled, expected.to(dtype), atol=tolerance, rtol=tolerance)


def test_ps_roi_pool_rounds_halves_away_from_zero():
    feature = torch.arange(10.0).view(1, 1, 1, 10)
    # to the even neighbor it would be pixels 0 to 2, and 2 to 4
    assert ps_roi_pool(feature, torch.tensor([[0, 0.5, 0, 2.5, 0]]), 1).item() == 2.0  # pixels 1 to 3
    assert ps_roi_pool(feature, torch.tensor([[0, 2.5, 0, 4.5, 0]]), 1).item() == 4.0  # pixels 3 to 5


def test_ps_roi_pool_gradient_also_at_the_last_row():
    feature = torch.randn(2, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0, 0, 0, 23, 19], [1, 8, 12, 23, 19], [1, 3, 2, 14, 40]], dtype=torch.float64)
    assert gradcheck(lambda x: ps_roi_pool(x, rois, 2, spatial_scale=0.25), (feature,))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    feature, rois = torch.randn(2, 4, 7, 9).to(dtype), ROIS.float()
    for pool in (lambda x: roi_align(x, rois, (2, 2), spatial_scale=0.25), lambda x: ps_roi_pool(x, rois, 2)):
        assert torch.equal(pool(feature), pool(feature.float()).to(dtype))


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_no_boxes_give_nothing_and_a_gradient_of_zero(backend):
    for sampling_ratio in (0, 2):
        feature = torch.randn(2, 4, 5, 6, requires_grad=True)
        for pooled in (
            roi_align(feature, torch.zeros(0, 5), (2, 2), sampling_ratio=sampling_ratio, backend=backend),
            ps_roi_pool(feature, torch.zeros(0, 5), 2),
        ):
            assert pooled.shape[0] == 0
            (grad,) = torch.autograd.grad(pooled.sum(), feature)
            assert (grad == 0).all()
    no_maps = torch.zeros(0, 4, 5, 6)
    assert roi_align(no_maps, torch.zeros(0, 5), (2, 3), backend=backend).shape == (0, 4, 2, 3)
    assert ps_roi_pool(no_maps, torch.zeros(0, 5), 2).shape == (0, 1, 2, 2)


def test_ps_roi_pool_of_many_at_once():
    features, rois = torch.randn(3, 2, 4, 7, 9), ROIS.float()
    found = torch.func.vmap(lambda feature: ps_roi_pool(feature, rois, 2))(features)
    torch.testing.assert_close(found, torch.stack([ps_roi_pool(feature, rois, 2) for feature in features]))


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('size', [(0, 6), (5, 0), (0, 0)])
def test_a_map_without_pixels_gives_zeros(size, backend):
    feature, rois = torch.zeros(2, 4, *size, requires_grad=True), ROIS.float()
    for sampling_ratio in (0, 2):
        pooled = roi_align(feature, rois, (2, 2), sampling_ratio=sampling_ratio, backend=backend)
        assert torch.equal(pooled, torch.zeros(len(rois), 4, 2, 2))
        assert torch.autograd.grad(pooled.sum(), feature)[0].shape == feature.shape
    assert torch.equal(ps_roi_pool(feature, rois, 2), torch.zeros(len(rois), 1, 2, 2))


def test_a_box_that_is_not_finite_is_nan_and_touches_no_other():
    feature, rois = torch.randn(2, 4, 7, 9), ROIS.float()
    bad = rois.clone()
    bad[1, 3], bad[4, 1] = torch.nan, torch.inf
    finite = bad.isfinite().all(1)
    for pool in (lambda boxes: roi_align(feature, boxes, (2, 2)), lambda boxes: ps_roi_pool(feature, boxes, 2)):
        assert torch.equal(pool(bad)[finite], pool(rois)[finite])
        assert pool(bad)[~finite].isnan().all()


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_a_value_that_is_not_finite_reaches_only_boxes_on_it(sampling_ratio):
    feature = torch.randn(1, 1, 9, 9)
    feature[0, 0, 8, 8] = torch.inf
    rois = torch.tensor([[0.0, 0, 0, 5, 5], [0, 1, 1, 6.5, 7], [0, 4, 4, 9, 9]])
    pooled = roi_align(feature, rois, (2, 2), sampling_ratio=sampling_ratio, backend='torch')
    assert pooled[:2].isfinite().all()
    assert not pooled[2].isfinite().all()


@pytest.mark.parametrize('image', [-1, 2, 1e9])
def test_a_box_of_no_image_is_refused(image):
    feature, rois = torch.rand(2, 4, 5, 6), torch.tensor([[0.0, 0, 0, 3, 3], [image, 0, 0, 3, 3]])
    for call in (lambda: ps_roi_pool(feature, rois, 2), lambda: roi_align(feature, rois, (2, 2))):
        with pytest.raises(ValueError, match=rf'rois\[:, 0\] names image {int(image)}, but feature has 2, from 0 on'):
            call()


@pytest.mark.parametrize('image', [-1, 2])
def test_a_box_of_no_image_is_nan_where_to_look_would_mean_to_wait(image):
    feature, rois = torch.rand(2, 4, 5, 6), torch.tensor([[1.0, 0, 0, 3, 3], [image, 0, 0, 3, 3]])
    found = torch.compile(ps_roi_pool, backend='eager')(feature, rois, 2)
    assert found[1].isnan().all()
    torch.testing.assert_close(found[:1], ps_roi_pool(feature, rois[:1], 2))


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_a_box_of_the_largest_numbers(sampling_ratio):
    """Its bins are larger than the map: in a quarter of the box each."""
    feature, rois = torch.rand(1, 4, 5, 6), torch.tensor([[0, -2e38, -2e38, 2e38, 2e38]])
    assert roi_align(feature, rois, (2, 2), sampling_ratio=sampling_ratio).isfinite().all()
    pooled = ps_roi_pool(feature, rois, 2)
    torch.testing.assert_close(pooled, torch.tensor([0, 0, 0, 1.0]).view(1, 1, 2, 2) * feature[:, 3].mean())


def test_layouts_agree_and_inputs_are_not_written_to():
    feature, rois = torch.randn(2, 4, 7, 9), ROIS.float()
    copies = feature.clone(), rois.clone()
    for pool in (lambda x: roi_align(x, rois, (2, 2), backend='torch'), lambda x: ps_roi_pool(x, rois, 2)):
        expected = pool(feature)
        torch.testing.assert_close(pool(feature.to(memory_format=torch.channels_last)), expected)
        assert expected.is_contiguous()
    assert torch.equal(feature, copies[0])
    assert torch.equal(rois, copies[1])


def test_errors():
    feature, rois = torch.zeros(1, 4, 5, 6), torch.zeros(1, 5)
    for pool in (lambda *given: roi_align(*given, (2, 2)), lambda *given: ps_roi_pool(*given, 2)):
        with pytest.raises(ValueError, match=r'feature must be .*, 4 dimensions'):
            pool(feature[0], rois)
        with pytest.raises(ValueError, match=r'rois must be \(K, 5\), index of the image and x1, y1, x2, y2, but'):
            pool(feature, rois[:, :4])
    with pytest.raises(ValueError, match='sampling_ratio must be a whole number, at least 0, but is -1'):
        roi_align(feature, rois, (2, 2), sampling_ratio=-1)
    with pytest.raises(ValueError, match='output_size must be a whole number, at least 1, but is 0'):
        roi_align(feature, rois, (0, 2))
    with pytest.raises(ValueError, match='spatial_scale must be a positive'):
        roi_align(feature, rois, (2, 2), spatial_scale=0)
    with pytest.raises(ValueError, match=r'a multiple of output_size \* output_size = 9 channels, but has 4'):
        ps_roi_pool(feature, rois, 3)
