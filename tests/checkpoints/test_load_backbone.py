"""TSM, MotionSqueeze and TIN start from ImageNet weights of either layout, and from a TSM checkpoint of mmaction2."""

import os
import re

import pytest
import torch
from mmaction.models.backbones.resnet import ResNet
from mmaction.models.backbones.resnet_tsm import ResNetTSM

from mmvidext.models.backbones import MSResNet, TINResNet, TSMResNet


def to_torchvision(name):
    """Turn mmaction2's name of a ResNet weight into torchvision's."""
    name = name.replace('downsample.conv.', 'downsample.0.').replace('downsample.bn.', 'downsample.1.')
    name = re.sub(r'conv(\d)\.bn\.', r'bn\1.', name)
    return re.sub(r'conv(\d)\.conv\.', r'conv\1.', name)


def random_weights(model):
    return {
        name: torch.randn_like(value) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }


def imagenet_torchvision():
    weights = {to_torchvision(name): value for name, value in random_weights(ResNet(18)).items()}
    return {**weights, 'fc.weight': torch.zeros(1000, 512), 'fc.bias': torch.zeros(1000)}


def imagenet_mmaction2():
    return {'state_dict': {f'backbone.{name}': value for name, value in random_weights(ResNet(18)).items()}}


def tsm_mmaction2():
    weights = random_weights(ResNetTSM(18, pretrained2d=False))
    head = {'cls_head.fc_cls.weight': torch.zeros(174, 512), 'cls_head.fc_cls.bias': torch.zeros(174)}
    return {'state_dict': {**{f'backbone.{name}': value for name, value in weights.items()}, **head}}


@pytest.mark.parametrize('backbone', [TSMResNet, MSResNet, TINResNet])
@pytest.mark.parametrize('make', [imagenet_torchvision, imagenet_mmaction2, tsm_mmaction2])
def test_every_shared_weight_is_loaded(make, backbone, tmp_path, monkeypatch):
    checkpoint = make()
    torch.save(checkpoint, tmp_path / 'weights.pth')
    logged = []
    monkeypatch.setattr('mmengine.logging.MMLogger.info', lambda self, text, *rest: logged.append(str(text)))
    model = backbone(18, pretrained=str(tmp_path / 'weights.pth'))
    model.init_weights()
    flat = checkpoint.get('state_dict', checkpoint)
    by_plain_name = {
        (to_torchvision(name.removeprefix('backbone.').replace('.net.', '.'))): value for name, value in flat.items()
    }
    for name, value in model.state_dict().items():
        if 'motion_squeeze' not in name and '.net1.' not in name:
            plain = name.replace('.net.', '.').replace('.net2.', '.')
            assert torch.equal(value, by_plain_name[to_torchvision(plain)]), name
    assert any('tensors loaded; missing: ' in line and 'unexpected: ' in line for line in logged)


def test_tin_takes_its_own_weights_whole(tmp_path):
    weights = random_weights(TINResNet(18))
    torch.save({'state_dict': {f'backbone.{name}': value for name, value in weights.items()}}, tmp_path / 'tin.pth')
    model = TINResNet(18, pretrained=str(tmp_path / 'tin.pth'))
    model.init_weights()
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_without_pretrained_it_starts_from_scratch():
    for backbone in (TSMResNet, MSResNet):
        model = backbone(18, pretrained=None)
        model.init_weights()
        assert model.layer1[0].conv1.conv.net.weight.std() > 0


@pytest.mark.parametrize('depth', [34, 50])
def test_another_depth_is_an_error(depth, tmp_path):
    torch.save(random_weights(ResNet(18)), tmp_path / 'r18.pth')
    with pytest.raises(ValueError, match=r'r18.pth is of another TSMResNet \(depth, arch or width\): layer'):
        TSMResNet(depth, pretrained=str(tmp_path / 'r18.pth')).init_weights()


def test_truncated_missing_and_malicious_files(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(random_weights(ResNet(18)), path)
    (tmp_path / 'short.pth').write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ValueError, match=r'short.pth is not a checkpoint|short.pth is damaged'):
        TSMResNet(18, pretrained=str(tmp_path / 'short.pth')).init_weights()
    with pytest.raises(FileNotFoundError, match=r'there is no checkpoint .*none.pth'):
        TSMResNet(18, pretrained=str(tmp_path / 'none.pth')).init_weights()

    trace = tmp_path / 'executed'

    class Malicious:
        def __reduce__(self):
            return os.system, (f'touch {trace}',)

    torch.save({'state_dict': {'layer1.0.conv1.weight': Malicious()}}, tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil.pth holds more than tensors, and reading it could run code'):
        TSMResNet(18, pretrained=str(tmp_path / 'evil.pth')).init_weights()
    assert not trace.exists()
