"""Official 2D recognizers: converted weights give the features of the official definition."""

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


def recognizer(backbone, features, classes=7):
    """A backbone and a classifier under the names of mmaction2's recognizers."""
    model = nn.Module()
    model.backbone = backbone
    model.cls_head = nn.ModuleDict({'fc_cls': nn.Linear(features, classes)})
    return model


def load(backbone, official, features):
    """Convert and load: no name may be missing or left over."""
    classes = list(official.values())[-1].shape[0]
    model = recognizer(backbone, features, classes)
    weights = convert_checkpoint(official, model)
    model.load_state_dict(weights, assign=any(tensor.is_meta for tensor in weights.values()))
    return model.eval()


def check(official, build, forward, *, source, features, classifier='module.new_fc', frames=8, size=32):
    assert find_source(official) == source
    model = load(build(), official, features)
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
    load(backbone, official, 2048)


def test_tsn_baseline_has_no_shift():
    from mmaction.models.backbones.resnet import ResNet

    official = random_values(wrapped(resnet2d(50), 7, 2048), device='meta')
    with torch.device('meta'):
        load(ResNet(50), official, 2048)


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


def meta_model(build, features, classes=7):
    with torch.device('meta'):
        return recognizer(build(), features, classes)


def refused(shapes, build, features, match, source=None):
    official = random_values(shapes, device='meta')
    with pytest.raises(ValueError, match=match):
        convert_checkpoint(official, meta_model(build, features), source)


def test_what_is_of_another_structure_is_refused():
    block = wrapped(resnet2d(18, block_name=lambda stage, block: f'layer{stage}.{block}.net'), 7, 512)
    refused(block, lambda: TSMResNet(18), 512, r'missing: backbone\.layer1\.0\.conv1\.conv\.net\.weight')
    pooled = lambda stage, block: f'layer2.net.{block}' if stage == 2 else f'layer{stage}.{block}'  # noqa: E731
    refused(
        wrapped(resnet2d(18, shifted, pooled), 7, 512),
        lambda: TSMResNet(18),
        512,
        r'missing: backbone\.layer2\.0\.conv1\.conv\.net\.weight',
    )
    every_second = resnet2d(101, lambda stage, block: 'conv1.net' if block % 2 == 0 else 'conv1')
    refused(
        wrapped(every_second, 7, 2048),
        lambda: MSResNet(101),
        2048,
        r'missing: backbone\.layer1\.1\.conv1\.conv\.net\.weight',
    )


def test_another_depth_is_told():
    refused(
        wrapped(resnet2d(101, shifted), 7, 2048),
        lambda: TSMResNet(50),
        2048,
        'this tsm checkpoint does not fit the Module: it looks like tsm of depth 101, and the model has depth 50; ',
    )


@pytest.mark.parametrize(('setting', 'value'), [('use_scale', True), ('mode', 'dot_product')])
def test_settings_that_no_tensor_shows_are_checked(setting, value):
    shapes = resnet2d(
        50,
        shifted,
        lambda s, b: f'layer{s}.{b}' + ('.block' if (s, b) in {(2, 0), (2, 2), (3, 0), (3, 2), (3, 4)} else ''),
    )
    for stage, blocks in {2: (0, 2), 3: (0, 2, 4)}.items():
        for block in blocks:
            shapes |= non_local(f'layer{stage}.{block}', 128 * 2**stage)
    options = {**NON_LOCAL, 'non_local_cfg': {**NON_LOCAL['non_local_cfg'], setting: value}}
    refused(
        wrapped(shapes, 7, 2048),
        lambda: TSMResNet(50, 4, **options),
        2048,
        rf'wrong: {setting} of backbone\.layer2\.0\.non_local_block \(NonLocal3d\) is {value}, but tsm has ',
    )


@pytest.mark.parametrize('setting', [dict(shift_div=4), dict(causal=False)])
def test_the_shift_is_checked(setting):
    """The online network shifts an eighth, from the past only; no tensor shows it."""
    shapes = mobilenet_v2() | {'classifier.weight': (7, 1280), 'classifier.bias': (7,)}
    options = dict(num_segments=4, causal=True)
    convert_checkpoint(random_values(shapes, device='meta'), meta_model(lambda: MobileNetV2TSM(**options), 1280))
    (name, value) = next(iter(setting.items()))
    refused(
        shapes,
        lambda: MobileNetV2TSM(**{**options, **setting}),
        1280,
        rf'wrong: {name} of backbone\.layer2\.1\.conv\.0 \(TemporalShift\) is {value}, but tsm has ',
    )
