"""The form of mmtracking, against its steps written out: it enlarges the flow to the image and shrinks it again."""

import torch
import torch.nn.functional as F

import mmvidext.models  # noqa: F401
from mmvidext.models.propagation import FeatureFlow, FlowInput
from mmvidext.models.propagation.mmtracking_warp import mmtracking_warp

FLOWNET = dict(type='mmvidext.FlowNetS', width=0.0625, deconv_bias=False, predict_bias=False, upflow_bias=False)
MEAN = (104.805, 110.16, 114.75)


def literal_warp(feature, flow):
    """Return what ``grid_sample`` makes of positions that were divided by width and height."""
    height, width = feature.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    grid = torch.stack(((x + flow[:, 0]) / width * 2 - 1, (y + flow[:, 1]) / height * 2 - 1), dim=-1)
    return F.grid_sample(feature, grid, padding_mode='border', align_corners=True)


def test_warp():
    generator = torch.Generator().manual_seed(0)
    feature = torch.randn(2, 3, 7, 11, generator=generator)
    flow = torch.randn(2, 2, 7, 11, generator=generator) * 4
    torch.testing.assert_close(mmtracking_warp(feature, flow), literal_warp(feature, flow), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(mmtracking_warp(feature, 0 * flow), feature)


def test_the_whole_propagation():
    """Zero padding, halving, flow times 5 * 8 at the size of the image, back to stride 16, warp: no scale map."""
    torch.manual_seed(0)
    module = FeatureFlow(
        FLOWNET, (), scale_map=False, flow_input=dict(mean=MEAN, std=(255.0,) * 3), warp_form='mmtracking'
    )
    module.init_weights()
    key, current = torch.rand(2, 1, 3, 96, 128) * 255
    feature = torch.randn(1, 5, 6, 8)
    size = (90, 121)
    with torch.no_grad():
        frames = [module.flow_input(pixels, [size]) for pixels in (current, key)]
        (found,) = module((feature,), module.estimate(*frames, maps=(feature,)))

        halved = []
        for pixels in (current, key):
            image = pixels / 255 - torch.tensor(MEAN).view(3, 1, 1) / 255
            image[:, :, size[0] :] = 0
            image[:, :, :, size[1] :] = 0
            halved.append(F.interpolate(image, scale_factor=0.5, mode='bilinear', align_corners=False))
        predicted = module.flow_net(*halved)[0]
        flow = F.interpolate(predicted, scale_factor=8, mode='bilinear', align_corners=False) * 8 * 5
        flow = F.interpolate(flow, scale_factor=1 / 16, mode='bilinear', align_corners=False) / 16
        expected = literal_warp(feature, flow)
    assert flow.abs().max() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_padding_becomes_zero():
    layer = FlowInput(mean=(1.0, 2.0, 3.0))
    frame = torch.rand(2, 3, 8, 12) * 255
    found = layer(frame, [(4, 12), (8, 6)])
    assert not found[0, :, 2:].any()
    assert not found[1, :, :, 3:].any()
    plain = layer(frame)
    assert torch.equal(found[0, :, :2], plain[0, :, :2])
    assert torch.equal(found[1, :, :, :3], plain[1, :, :, :3])
