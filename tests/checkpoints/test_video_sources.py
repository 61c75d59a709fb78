"""Official video networks: converted weights give the outputs of the official definition."""

import pytest
import torch
from torch import nn

from mmvidext.checkpoints import convert_checkpoint, find_source
from mmvidext.models.backbones import VideoResNet
from tests.oracles.official_video_forward import caffe2_video, torchvision_video
from tests.oracles.official_weights import caffe2_video_resnet, random_values, video_resnet


class Recognizer(nn.Module):
    """A backbone and a classifier under the names of mmaction2's Recognizer3D with I3DHead."""

    def __init__(self, num_classes, **kwargs):
        super().__init__()
        self.backbone = VideoResNet(**kwargs)
        self.cls_head = nn.ModuleDict({'fc_cls': nn.Linear(self.backbone.out_channels[-1], num_classes)})

    def forward(self, clip):
        return self.cls_head['fc_cls'](self.backbone(clip).mean((2, 3, 4)))


def load(official, num_classes=400, source=None, **kwargs):
    with torch.device('meta'):
        model = Recognizer(num_classes, **kwargs)
    weights = convert_checkpoint(official, model, source)
    meta = any(tensor.is_meta for tensor in weights.values())
    if not meta:
        model = model.to_empty(device='cpu')
    model.load_state_dict(weights, assign=meta)
    return model.eval()


@pytest.mark.parametrize('arch', ['r3d', 'mc3', 'r2plus1d'])
def test_torchvision(arch):
    official = random_values(video_resnet(arch, 18, per_block=True))
    assert find_source(official) == 'torchvision_video'
    options = dict(midplanes='per_block') if arch == 'r2plus1d' else {}
    model = load(official, arch=arch, depth=18, norm_cfg=dict(type='BN3d', eps=1e-5), **options)
    clip = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        expected = torchvision_video(official, clip, 18, eps=1e-5)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize('arch', ['r2plus1d', 'rmc3'])
def test_vmz_caffe2(arch):
    blobs = random_values(caffe2_video_resnet(arch, 18, classes=487))
    assert find_source(blobs) == 'vmz'
    model = load(blobs, 487, 'vmz', arch=arch, depth=18)
    clip = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        expected = caffe2_video(blobs, clip, 18)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_vmz_hub():
    official = random_values(video_resnet('r2plus1d', 34, per_block=False, classes=359))
    assert find_source(official) == 'vmz'
    model = load(official, 359, arch='r2plus1d', depth=34)
    clip = torch.randn(1, 3, 8, 24, 24)
    with torch.no_grad():
        expected = torchvision_video(official, clip, 34, eps=1e-3)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize(('arch', 'depth'), [('r2plus1d', 34), ('r2plus1d', 152), ('r3d', 50), ('r3d', 101)])
def test_every_key_of_deeper_caffe2_networks_is_used(arch, depth):
    blobs = random_values(caffe2_video_resnet(arch, depth), device='meta')
    load(blobs, arch=arch, depth=depth)


def test_every_key_of_the_152_layer_hub_network_is_used():
    official = random_values(video_resnet('r2plus1d', 152, per_block=False), device='meta')
    assert find_source(official) == 'vmz'
    load(official, arch='r2plus1d', depth=152, with_pool=True)


def meta_model(num_classes=400, **kwargs):
    with torch.device('meta'):
        return Recognizer(num_classes, **kwargs)


def test_the_width_inside_a_block_tells_vmz_from_torchvision():
    official = random_values(video_resnet('r2plus1d', 18, per_block=True), device='meta')
    model = meta_model(arch='r2plus1d', depth=18)
    with pytest.raises(ValueError, match=r"are not those of 'vmz'; they are those of 'torchvision_video'"):
        convert_checkpoint(official, model, 'vmz')
    with pytest.raises(ValueError, match=r'wrong: layer2\.0\.conv2\.0\.0\.weight is \(230, 128, 1, 3, 3\) instead'):
        convert_checkpoint(official, model)


@pytest.mark.parametrize(('make', 'eps'), [(True, 1e-3), (False, 1e-5)])
def test_the_epsilon_of_the_norms_is_checked(make, eps):
    official = random_values(video_resnet('r2plus1d', 18, per_block=make), device='meta')
    midplanes = 'per_block' if make else 'per_conv'
    model = meta_model(arch='r2plus1d', depth=18, midplanes=midplanes, norm_cfg=dict(type='BN3d', eps=eps))
    with pytest.raises(ValueError, match=rf'wrong: eps of backbone\.stem\.1 \(_BatchNorm\) is {eps}, but '):
        convert_checkpoint(official, model)


def test_another_depth_is_an_error():
    blobs = random_values(caffe2_video_resnet('r2plus1d', 34), device='meta')
    with pytest.raises(ValueError, match=r'it looks like vmz; .*not in the model: shortcut_projection_3_w'):
        convert_checkpoint(blobs, meta_model(arch='r2plus1d', depth=18))
