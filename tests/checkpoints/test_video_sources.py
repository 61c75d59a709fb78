"""Official video networks: converted weights give the outputs of the official definition."""

import re

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


def load(weights, num_classes=400, **kwargs):
    with torch.device('meta'):
        model = Recognizer(num_classes, **kwargs)
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
    model = load(convert_checkpoint(official), arch=arch, depth=18, norm_cfg=dict(type='BN3d', eps=1e-5), **options)
    clip = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        expected = torchvision_video(official, clip, 18, eps=1e-5)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize('arch', ['r2plus1d', 'rmc3'])
def test_vmz_caffe2(arch):
    blobs = random_values(caffe2_video_resnet(arch, 18, classes=487))
    assert find_source(blobs) == 'vmz'
    model = load(convert_checkpoint(blobs, 'vmz'), 487, arch=arch, depth=18)
    clip = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        expected = caffe2_video(blobs, clip, 18)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_vmz_hub():
    official = random_values(video_resnet('r2plus1d', 34, per_block=False, classes=359))
    assert find_source(official) == 'vmz'
    model = load(convert_checkpoint(official), 359, arch='r2plus1d', depth=34)
    clip = torch.randn(1, 3, 8, 24, 24)
    with torch.no_grad():
        expected = torchvision_video(official, clip, 34, eps=1e-3)
        assert torch.allclose(model(clip), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize(('arch', 'depth'), [('r2plus1d', 34), ('r2plus1d', 152), ('r3d', 50), ('r3d', 101)])
def test_every_key_of_deeper_caffe2_networks_is_used(arch, depth):
    blobs = random_values(caffe2_video_resnet(arch, depth), device='meta')
    load(convert_checkpoint(blobs), arch=arch, depth=depth)


def test_every_key_of_the_152_layer_hub_network_is_used():
    official = random_values(video_resnet('r2plus1d', 152, per_block=False), device='meta')
    assert find_source(official) == 'vmz'
    load(convert_checkpoint(official), arch='r2plus1d', depth=152, with_pool=True)


def meta_torchvision():
    return random_values(video_resnet('r2plus1d', 18, per_block=True), device='meta')


def test_missing_extra_and_misshapen_keys_are_named():
    official = meta_torchvision()
    del official['layer3.1.conv2.1.running_var']
    with pytest.raises(
        ValueError, match=r'not a whole torchvision_video .* missing: layer3\.1\.conv2\.1\.running_var$'
    ):
        convert_checkpoint(official)
    official = {**meta_torchvision(), 'layer1.0.attention.weight': torch.empty(3)}
    with pytest.raises(ValueError, match=r'not known: layer1\.0\.attention\.weight$'):
        convert_checkpoint(official)
    official = {**meta_torchvision(), 'fc.weight': torch.empty(400, 256)}
    with pytest.raises(ValueError, match=r'wrong shape: fc\.weight is \(400, 256\) instead of \(any, 512\)$'):
        convert_checkpoint(official)
    blobs = random_values(caffe2_video_resnet('r2plus1d', 18), device='meta')
    del blobs['comp_7_spatbn_2_rm']
    with pytest.raises(ValueError, match=r'not a whole vmz checkpoint: missing: comp_7_spatbn_2_rm$'):
        convert_checkpoint(blobs)
    without_a_block = {name: tensor for name, tensor in blobs.items() if not name.startswith('comp_7')}
    with pytest.raises(ValueError, match=r'missing: comp_7_conv_1_middle_w, comp_7_'):
        convert_checkpoint(without_a_block)
    without_a_stage = {name: tensor for name, tensor in blobs.items() if not re.match(r'comp_[567]', name)}
    with pytest.raises(ValueError, match=r'no video ResNet has 5 basic blocks'):
        convert_checkpoint(without_a_stage)


def test_the_width_inside_a_block_tells_vmz_from_torchvision():
    with pytest.raises(ValueError, match=r"are not those of 'vmz'; they are those of 'torchvision_video'"):
        convert_checkpoint(meta_torchvision(), 'vmz')
