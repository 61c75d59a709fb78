"""Official 2D recognisers: converted weights give the features of the official definition."""

import pytest
import torch
from torch import nn

from mmvidext.checkpoints import convert_checkpoint, find_source
from mmvidext.models.backbones import MobileNetV2TSM, MSResNet, TINResNet, TSMResNet
from tests.oracles import official_image_forward as oracle
from tests.oracles.official_weights import (
    mobilenet_v2,
    motion_squeeze,
    non_local,
    random_values,
    resnet2d,
    tin,
    wrapped,
)

NON_LOCAL = dict(
    non_local=((0, 0, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 0, 0)),
    non_local_cfg=dict(sub_sample=True, use_scale=False, norm_cfg=dict(type='BN3d'), mode='embedded_gaussian'),
)


def shifted(stage, block):
    return 'conv1.net'


def plain(official):
    """The official weights of the network itself, as its forward pass names them."""
    return {name.removeprefix('module.').removeprefix('base_model.'): tensor for name, tensor in official.items()}


def load(backbone, weights, features):
    model = nn.Module()
    model.backbone = backbone
    model.cls_head = nn.ModuleDict({'fc_cls': nn.Linear(features, weights['cls_head.fc_cls.bias'].shape[0])})
    meta = any(tensor.is_meta for tensor in weights.values())
    model.load_state_dict(weights, assign=meta)
    return model.eval()


def check(official, build, forward, *, source, features, classifier='module.new_fc', frames=8, size=32):
    assert find_source(official) == source
    model = load(build(), convert_checkpoint(official), features)
    clips = torch.randn(frames, 3, size, size)
    with torch.no_grad():
        ours, expected = model.backbone(clips), forward(plain(official), clips)
        assert torch.allclose(ours, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())
    assert torch.equal(model.cls_head['fc_cls'].weight, official[f'{classifier}.weight'].view(-1, features))


def resnet(depth, kind='blockres'):
    return lambda state, clips: oracle.resnet(state, clips, depth, 4, kind=kind)


def test_tsm_r50():
    official = random_values(wrapped(resnet2d(50, shifted), 7, 2048))
    check(official, lambda: TSMResNet(50, 4), resnet(50), source='tsm', features=2048)


def test_tsm_without_dropout():
    official = random_values(wrapped(resnet2d(18, shifted), 7, 512, fc='module.base_model.fc'))
    check(
        official,
        lambda: TSMResNet(18, 4),
        resnet(18),
        source='tsm',
        features=512,
        classifier='module.base_model.fc',
    )


def test_tsm_block_placement():
    shapes = resnet2d(18, block_name=lambda stage, block: f'layer{stage}.{block}.net')
    official = random_values(wrapped(shapes, 7, 512))
    check(official, lambda: TSMResNet(18, 4, shift_place='block'), resnet(18, 'block'), source='tsm', features=512)


def test_tsm_non_local():
    shapes = resnet2d(
        50,
        shifted,
        lambda s, b: f'layer{s}.{b}' + ('.block' if (s, b) in {(2, 0), (2, 2), (3, 0), (3, 2), (3, 4)} else ''),
    )
    for stage, blocks in {2: (0, 2), 3: (0, 2, 4)}.items():
        for block in blocks:
            shapes |= non_local(f'layer{stage}.{block}', 128 * 2**stage)
    official = random_values(wrapped(shapes, 7, 2048))
    check(official, lambda: TSMResNet(50, 4, **NON_LOCAL), resnet(50), source='tsm', features=2048)


def test_tsm_temporal_pool():
    name = lambda stage, block: f'layer2.net.{block}' if stage == 2 else f'layer{stage}.{block}'  # noqa: E731
    official = random_values(wrapped(resnet2d(18, shifted, name), 7, 512))
    check(official, lambda: TSMResNet(18, 4, temporal_pool=True), resnet(18), source='tsm', features=512)


def test_tsm_r101_shifts_every_second_block():
    def conv1(stage, block):
        return 'conv1.net' if block % 2 == 0 else 'conv1'

    official = random_values(wrapped(resnet2d(101, conv1), 7, 2048), device='meta')
    assert find_source(official) == 'tsm'
    with torch.device('meta'):
        backbone = TSMResNet(101)
    load(backbone, convert_checkpoint(official), 2048)


def test_tsn_baseline_has_no_shift():
    from mmaction.models.backbones.resnet import ResNet

    official = random_values(wrapped(resnet2d(50), 7, 2048), device='meta')
    with torch.device('meta'):
        load(ResNet(50), convert_checkpoint(official), 2048)


@pytest.mark.parametrize('online', [False, True])
def test_tsm_mobilenet(online):
    if online:
        shapes = mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}
    else:
        shapes = wrapped(mobilenet_v2('.net'), 7, 1280)
    check(
        random_values(shapes),
        lambda: MobileNetV2TSM(num_segments=4, causal=online),
        lambda state, clips: oracle.mobilenet_v2(state, clips, 4, past_only=online),
        source='tsm',
        features=1280,
        classifier='classifier' if online else 'module.new_fc',
    )


@pytest.mark.parametrize('depth', [18, 50])
def test_motionsqueeze(depth):
    features = 512 if depth == 18 else 2048
    shapes = resnet2d(depth) | motion_squeeze(features // 512)
    official = random_values(wrapped(shapes, 7, features, conv1d=True))
    expected = plain(official)
    check(
        official,
        lambda: MSResNet(depth, 4),
        lambda state, clips: oracle.resnet(
            state,
            clips,
            depth,
            4,
            kind='motionsqueeze',
            after_layer2=lambda x: oracle.motion_squeeze(x, expected, 4),
        ),
        source='motionsqueeze',
        features=features,
        size=64,
    )


@pytest.mark.parametrize('depth', [18, 50])
def test_tin(depth):
    features = 512 if depth == 18 else 2048
    shapes = resnet2d(depth, lambda stage, block: 'conv1.net2')
    for name, shape in list(shapes.items()):
        if name.endswith('.conv1.net2.weight'):
            shapes |= tin(name.removesuffix('.conv1.net2.weight'), shape[1], 4)
    official = random_values(wrapped(shapes, 7, features))
    check(official, lambda: TINResNet(depth, num_segments=4), resnet(depth, 'tin'), source='tin', features=features)


@pytest.mark.parametrize(
    ('source', 'shapes', 'lost'),
    [
        ('tsm', resnet2d(18, shifted), 'base_model.layer3.1.bn2.running_var'),
        ('tsm', mobilenet_v2('.net'), 'base_model.features.4.conv.6.weight'),
        ('motionsqueeze', resnet2d(18) | motion_squeeze(1), 'base_model.flow_refinement.conv2.3.weight'),
        ('tin', resnet2d(18, lambda s, b: 'conv1.net2') | tin('layer1.0', 64, 8), 'base_model.layer1.0.bn1.bias'),
    ],
)
def test_missing_extra_and_misshapen_keys_are_named(source, shapes, lost):
    if source == 'tin':
        for name, shape in list(shapes.items()):
            if name.endswith('.conv1.net2.weight'):
                shapes = shapes | tin(name.removesuffix('.conv1.net2.weight'), shape[1], 8)
    features = 1280 if 'features.0.0.weight' in shapes else 512
    whole = random_values(wrapped(shapes, 7, features, conv1d=source == 'motionsqueeze'), device='meta')
    assert convert_checkpoint(whole, source)
    missing = {name: tensor for name, tensor in whole.items() if name != f'module.{lost}'}
    with pytest.raises(ValueError, match=f'not a whole {source} checkpoint: missing: {lost}$'):
        convert_checkpoint(missing, source)
    with pytest.raises(ValueError, match=r'not known: base_model\.attention\.weight$'):
        convert_checkpoint({**whole, 'module.base_model.attention.weight': torch.empty(2)}, source)
    with pytest.raises(ValueError, match=f'wrong shape: {lost} is \\(3, 9\\) instead of'):
        convert_checkpoint({**whole, f'module.{lost}': torch.empty(3, 9)}, source)


def test_a_network_without_a_block():
    whole = random_values(wrapped(resnet2d(50, shifted), 7, 2048), device='meta')
    without = {name: tensor for name, tensor in whole.items() if '.layer3.5.' not in name}
    with pytest.raises(
        ValueError, match=r'not a whole tsm checkpoint: missing: base_model\.layer3\.5\.conv1\.net\.weight'
    ):
        convert_checkpoint(without)
    without = {name: tensor for name, tensor in without.items() if '.layer2.' not in name}
    with pytest.raises(ValueError, match=r'not a whole tsm checkpoint: no ResNet has stages of \(3, 0, 5, 3\)'):
        convert_checkpoint(without)
