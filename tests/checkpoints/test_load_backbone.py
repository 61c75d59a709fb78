"""Backbones start from ImageNet weights of either layout and from their own; what shifts elsewhere is refused."""

import os
import re

import pytest
import torch
from mmaction.models.backbones.resnet import ResNet
from mmaction.models.backbones.resnet_tsm import ResNetTSM

from mmvidext.checkpoints import load_weights
from mmvidext.models.backbones import MSResNet, TINResNet, TSMResNet
from mmvidext.models.flow import FlowNetS
from mmvidext.models.propagation import FeatureFlow

BACKBONES = (TSMResNet, MSResNet, TINResNet)


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


@pytest.mark.parametrize(
    ('make', 'backbone'),
    [
        *((make, backbone) for make in (imagenet_torchvision, imagenet_mmaction2) for backbone in BACKBONES),
        (tsm_mmaction2, TSMResNet),
        (tsm_mmaction2, MSResNet),
    ],
)
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
    (line,) = [line for line in logged if 'weights.pth: ' in line]
    assert re.search(r'weights\.pth: 1\d\d tensors fit', line)
    assert ('; not loaded: layer' in line) == (backbone is not TSMResNet)
    assert ('left aside: ' in line) == any('fc' in name for name in flat)


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


@pytest.mark.parametrize('prefix', [None, 'backbone', 'backbone.'])
def test_init_cfg_is_the_same_as_pretrained(prefix, tmp_path):
    path = tmp_path / 'r18.pth'
    torch.save(imagenet_mmaction2(), path)
    model, same = TSMResNet(18, pretrained=str(path)), TSMResNet(18, init_cfg=init_cfg(path, prefix))
    for one in (model, same):
        one.init_weights()
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match='does not fit the TSMResNet'):
        TSMResNet(34, init_cfg=init_cfg(path, prefix)).init_weights()


def init_cfg(path, prefix):
    return dict(type='Pretrained', checkpoint=str(path), **(dict(prefix=prefix) if prefix else {}))


NON_LOCAL = dict(non_local=(0, (1, 0), 0, 0), non_local_cfg=dict(norm_cfg=dict(type='BN3d')))


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        (lambda: TSMResNet(18, shift_place='block'), lambda: TSMResNet(18)),
        (lambda: TSMResNet(18), lambda: TSMResNet(18, shift_place='block')),
        (lambda: TSMResNet(18, temporal_pool=True), lambda: TSMResNet(18)),
        (lambda: TSMResNet(18), lambda: TSMResNet(18, temporal_pool=True)),
        (lambda: TSMResNet(18, **NON_LOCAL), lambda: TSMResNet(18)),
        (lambda: MSResNet(18), lambda: TSMResNet(18)),
        (lambda: MSResNet(18), lambda: MSResNet(18, motion_stage=3)),
        (lambda: TSMResNet(18), lambda: TINResNet(18)),
        (lambda: TINResNet(18), lambda: TSMResNet(18)),
    ],
)
def test_what_shifts_pools_or_looks_elsewhere_is_refused(theirs, ours, tmp_path):
    path = tmp_path / 'weights.pth'
    model = ours()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for weights in (
        theirs().state_dict(),
        {f'backbone.{name}': value for name, value in theirs().state_dict().items()},
    ):
        torch.save(weights, path)
        with pytest.raises(
            ValueError,
            match=r'weights\.pth does not fit the \w+: (it .*; )?(missing|not in the model): (backbone\.)?layer',
        ):
            load_weights(model, path, prefix='backbone', optional=model.added_parts)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_every_second_block_does_not_shift_in_every_block(tmp_path):
    with torch.device('meta'):
        every_second, every = TSMResNet(101), MSResNet(101)
    torch.save(
        {name: torch.zeros(()).expand(value.shape) for name, value in every_second.state_dict().items()},
        tmp_path / 'w.pth',
    )
    with pytest.raises(ValueError, match=r'missing: layer1\.1\.conv1\.conv\.net\.weight'):
        load_weights(every, tmp_path / 'w.pth', prefix='backbone', optional=every.added_parts)


def test_a_part_is_missing_as_a_whole_or_not_at_all(tmp_path):
    weights = MSResNet(18).state_dict()
    lost = next(name for name in weights if '.motion_squeeze.' in name)
    torch.save({name: value for name, value in weights.items() if name != lost}, tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match=rf'missing: {re.escape(lost)}$'):
        MSResNet(18, pretrained=str(tmp_path / 'weights.pth')).init_weights()


@pytest.mark.parametrize(
    'build', [lambda: FlowNetS(width=0.125), lambda: FeatureFlow(dict(type='mmvidext.FlowNetS', width=0.125), [4])]
)
def test_flow_networks_start_from_a_flow_estimator(build, tmp_path):
    trained = FlowNetS(width=0.125).state_dict()
    path = tmp_path / 'flownets.pth'
    torch.save({'state_dict': {f'flow_net.{name}': value for name, value in trained.items()}}, path)
    net = build()
    net = getattr(net, 'flow_net', net)
    net.init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='flow_net')
    net.init_weights()
    assert all(torch.equal(value, trained[name]) for name, value in net.state_dict().items())
    torch.save({'state_dict': {f'net.{name}': value for name, value in trained.items()}}, path)
    with pytest.raises(
        ValueError, match=r'flownets\.pth does not fit the FlowNetS: no tensor fits; the file has net\.conv'
    ):
        FlowNetS(width=0.125, init_cfg=dict(type='Pretrained', checkpoint=str(path), prefix='flow_net')).init_weights()


@pytest.mark.parametrize('depth', [34, 50])
def test_another_depth_is_an_error(depth, tmp_path):
    torch.save(random_weights(ResNet(18)), tmp_path / 'r18.pth')
    with pytest.raises(
        ValueError,
        match=rf'r18\.pth does not fit the TSMResNet: it looks like resnet of depth 18, .* has depth {depth}; ',
    ):
        TSMResNet(depth, pretrained=str(tmp_path / 'r18.pth')).init_weights()


def test_truncated_missing_and_malicious_files(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(random_weights(ResNet(18)), path)
    (tmp_path / 'short.pth').write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ValueError, match=r'short.pth is damaged or not a checkpoint'):
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
