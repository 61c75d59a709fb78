import pytest
import torch

from mmvidext.models.propagation import FeatureFlow, Motion
from mmvidext.models.propagation.map_stride import map_stride
from mmvidext.ops import flow_warp
from tests.models.segmentors.tiny import constant_flow


@pytest.mark.parametrize('stride', [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize('size', [(600, 1000), (360, 640), (1024, 2048), (479, 853), (240, 320)])
def test_sizes_rounded_up_or_down_have_the_stride_that_they_were_made_with(size, stride):
    up = tuple(-(-length // stride) for length in size)
    down = tuple(length // stride for length in size)
    assert map_stride(size, up) == map_stride(size, down) == (stride, stride)


@pytest.mark.parametrize(('size', 'stride'), [((33, 17), 16), ((65, 49), 32), ((19, 35), 16)])
def test_of_small_frames_the_ratio_may_lie_nearer_to_another_power_of_two(size, stride):
    """33 pixels at stride 16 make 3 rows: a ratio of 11, which is nearer to 8."""
    assert map_stride(size, tuple(-(-length // stride) for length in size)) == (stride, stride)


def test_a_map_finer_than_the_image():
    assert map_stride((180, 320), (360, 640)) == (0.5, 0.5)


@pytest.mark.parametrize(('map_size', 'expected'), [((4, 8), (14.0, 14.0)), ((8, 8), (7.0, 14.0))])
def test_a_stride_that_is_no_power_of_two_is_the_ratio(map_size, expected):
    assert map_stride((56, 112), map_size) == expected


def test_flow_is_divided_by_the_stride():
    """Height 360 at stride 32: 12 rows of 15 half-size pixels by their ratio, but of 16 by the stride."""
    module = FeatureFlow(constant_flow(), (2,), scale_map=False)
    flow = torch.tensor([32.0, -16.0]).view(1, 2, 1, 1).expand(1, 2, 12, 20)
    feature = torch.randn(1, 2, 12, 20)
    warped = module.warp(feature, Motion(flow, torch.empty(0), (180, 320)))
    assert torch.equal(warped, flow_warp(feature, flow / 16))


def test_strides_of_two_axes():
    module = FeatureFlow(constant_flow(), (2,), scale_map=False)
    flow = torch.tensor([28.0, -7.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8)
    feature = torch.randn(1, 2, 8, 8)
    warped = module.warp(feature, Motion(flow, torch.empty(0), (56, 112)))
    expected = flow_warp(feature, torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8))
    assert torch.equal(warped, expected)
