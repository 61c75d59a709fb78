import pickle

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mmvidext.layers.video_block import factorized_mid_channels
from mmvidext.models.backbones import VideoResNet

# VMZ, c2/tutorials/models.md: GFLOPs (multiply-adds) of 8 and 16 frames of 112x112, millions of parameters (400 class)
PUBLISHED = {
    'r2plus1d': (20.7, 41.5, 33.3),
    'r3d': (20.3, 40.7, 33.4),
    'r2d': (1.9, 2.2, 11.4),
    'f_r2d': (13.8, 27.6, 11.4),
    'mc2': (14.3, 28.5, 11.4),
    'mc3': (21.7, 43.3, 11.7),
    'mc4': (20.0, 40.0, 12.7),
    'mc5': (20.0, 39.9, 16.8),
    'rmc2': (19.9, 39.8, 33.3),
    'rmc3': (12.5, 25.0, 33.0),
    'rmc4': (14.5, 29.1, 32.0),
    'rmc5': (15.4, 30.8, 27.9),
}


def build(arch, depth=18, clip_len=8, **kwargs):
    if arch == 'r2d':
        kwargs['clip_len'] = clip_len
    return VideoResNet(arch, depth, **kwargs)


def count_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize('arch', PUBLISHED)
@pytest.mark.parametrize('frames', [8, 16])
def test_cost_is_that_of_vmz(arch, frames):
    with torch.device('meta'):
        model = build(arch, clip_len=frames).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, frames, 112, 112))
    classifier = 512 * 400
    macs = (counter.get_total_flops() / 2 + classifier) / 1e9
    assert macs == pytest.approx(PUBLISHED[arch][frames // 16], abs=0.06)
    if (arch, frames) != ('r2d', 16):  # its stem is wider, and VMZ lists 11.5 for it
        assert (count_parameters(model) + classifier + 400) / 1e6 == pytest.approx(PUBLISHED[arch][2], abs=0.08)


@pytest.mark.parametrize(
    ('channels', 'mid'), [((64, 64), 144), ((64, 128), 230), ((128, 128), 288), ((256, 512), 921), ((512, 512), 1152)]
)
def test_mid_channels_match_the_parameters_of_the_full_convolution(channels, mid):
    assert factorized_mid_channels(*channels) == mid
    full, factorized = 27 * channels[0] * channels[1], mid * (9 * channels[0] + 3 * channels[1])
    assert factorized <= full < factorized + 9 * channels[0] + 3 * channels[1]


def test_midplanes_switch():
    with torch.device('meta'):
        per_conv, per_block = VideoResNet('r2plus1d', 18), VideoResNet('r2plus1d', 18, midplanes='per_block')
    for layer, widths in {'layer2': (288, 230), 'layer3': (576, 460), 'layer4': (1152, 921)}.items():
        assert per_conv.get_submodule(layer)[0].conv2[0][0].out_channels == widths[0]
        assert per_block.get_submodule(layer)[0].conv2[0][0].out_channels == widths[1]
    # torchvision's r2plus1d_18 has 31.5 million parameters with 400 classes
    assert (count_parameters(per_block) + 512 * 400 + 400) / 1e6 == pytest.approx(31.5, abs=0.05)


def test_the_stem_has_45_channels_inside_and_the_shortcut_is_plain():
    with torch.device('meta'):
        model = VideoResNet('r2plus1d', 18)
    kernels = [module.kernel_size for module in model.stem if isinstance(module, torch.nn.Conv3d)]
    assert kernels == [(1, 7, 7), (3, 1, 1)]
    assert model.stem[0].out_channels == 45
    assert [type(module) for module in model.layer2[0].downsample] == [torch.nn.Conv3d, torch.nn.BatchNorm3d]
    assert model.layer2[0].downsample[0].kernel_size == (1, 1, 1)
    assert {module.eps for module in model.modules() if isinstance(module, torch.nn.BatchNorm3d)} == {1e-3}


@pytest.mark.parametrize('arch', ['mc4', 'rmc4'])
def test_where_mixed_networks_change_over(arch):
    with torch.device('meta'):
        model = VideoResNet(arch, 18)
    kernels = [model.get_submodule(f'layer{i}')[0].conv1[0].kernel_size for i in range(1, 5)]
    early, late = ((3, 3, 3), (1, 3, 3)) if arch == 'mc4' else ((1, 3, 3), (3, 3, 3))
    assert kernels == [early, early, late, late]  # layer1 is conv2 of the paper
    assert model.stem[0].kernel_size[0] == (3 if arch == 'mc4' else 1)


@pytest.mark.parametrize('depth', [34, 50, 101, 152])
def test_deeper_networks(depth):
    with torch.device('meta'):
        model = VideoResNet('r2plus1d', depth, out_indices=(0, 1, 2, 3), with_pool=True).eval()
        outputs = model(torch.empty(2, 3, 8, 64, 64))
    channels = (64, 128, 256, 512) if depth == 34 else (256, 512, 1024, 2048)
    assert model.out_channels == channels
    shapes = [(2, c, t, s, s) for c, t, s in zip(channels, (8, 4, 2, 1), (16, 8, 4, 2), strict=True)]
    assert [tuple(output.shape) for output in outputs] == shapes


def test_f_r2d_sees_each_frame_alone_and_r3d_does_not():
    clip = torch.randn(1, 3, 8, 24, 24)
    order = torch.randperm(8)
    for arch, alone in [('f_r2d', True), ('r3d', False)]:
        model = VideoResNet(arch, 18, base_channels=8, temporal_strides=(1, 1, 1, 1)).eval()
        assert torch.allclose(model(clip)[:, :, order], model(clip[:, :, order]), atol=1e-5) is alone


def test_r2d_folds_the_clip():
    model = VideoResNet('r2d', 18, clip_len=5, base_channels=8).eval()
    clip = torch.randn(2, 3, 5, 32, 32)
    weight = model.stem[0].weight
    folded = torch.nn.functional.conv2d(clip.flatten(1, 2), weight.flatten(1, 2), stride=2, padding=3)
    assert torch.allclose(model.stem[0](clip)[:, :, 0], folded, atol=1e-5)
    assert model(clip).shape == (2, 64, 1, 2, 2)


def test_the_model_can_be_pickled():
    model = VideoResNet('r2plus1d', 18, base_channels=8).eval()
    clip = torch.randn(1, 3, 8, 24, 24)
    assert torch.equal(pickle.loads(pickle.dumps(model))(clip), model(clip))


def test_trains_in_recognizer3d():
    import mmaction.models  # noqa: F401
    from mmaction.registry import MODELS
    from mmaction.structures import ActionDataSample
    from mmengine.registry import DefaultScope

    config = dict(
        type='Recognizer3D',
        backbone=dict(type='mmvidext.VideoResNet', arch='r2plus1d', depth=18, base_channels=8),
        cls_head=dict(type='I3DHead', num_classes=4, in_channels=64),
        data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW'),
    )
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(config)
    model.init_weights()
    samples = [ActionDataSample().set_gt_label(i) for i in range(2)]
    losses = model(torch.randn(2, 1, 3, 8, 24, 24), samples, mode='loss')
    losses['loss_cls'].backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model(torch.randn(2, 1, 3, 8, 24, 24), samples, mode='predict')[0].pred_score.shape[-1] == 4


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(arch='r4d', depth=18), r"unknown arch 'r4d'; valid are 'r2d', 'f_r2d', 'r3d', 'mc2'.*'r2plus1d'"),
        (dict(arch='r3d', depth=20), r'unknown depth 20; valid are 18, 34, 50, 101, 152'),
        (dict(arch='r3d', depth=18, midplanes='both'), r"unknown midplanes 'both'; valid are 'per_conv', 'per_block'"),
        (dict(arch='r3d', depth=18, midplanes='per_block'), r"midplanes .* are for arch 'r2plus1d' only, not 'r3d'"),
        (dict(arch='r2plus1d', depth=18, stem_mid_channels=0), r'stem_mid_channels must be a whole number, at least 1'),
        (dict(arch='r2d', depth=18), r'set clip_len to its number of frames'),
        (dict(arch='r3d', depth=18, clip_len=8), r"clip_len is for arch 'r2d' only"),
        (
            dict(arch='r3d', depth=18, temporal_strides=(2, 2)),
            r'temporal_strides must be one for each of four',
        ),
        (dict(arch='r3d', depth=18, out_indices=(3, 1)), r'out_indices must be increasing stages from 0 to 3'),
        (dict(arch='r3d', depth=18, frozen_stages=5), r'unknown frozen_stages 5; valid are -1, 0, 1, 2, 3, 4'),
        (dict(arch='r3d', depth=18, pretrained='a', init_cfg={}), r'either pretrained or init_cfg'),
        (dict(arch='mc3', depth=18, stem_mid_channels=45), r"midplanes and stem_mid_channels are for arch 'r2plus1d'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message), torch.device('meta'):
        VideoResNet(**kwargs)


@pytest.mark.parametrize(
    ('arch', 'shape', 'message'),
    [
        ('r3d', (1, 3, 4, 32, 32), r'a clip of 4 frames is too short for the temporal strides, .* at least 8'),
        ('mc3', (1, 2, 8, 32, 32), r'C = 3, but the shape is \(1, 2, 8, 32, 32\)'),
        ('r3d', (3, 8, 32, 32), r'must be \(N, C, T, H, W\), 5 dimensions'),
        ('r2d', (1, 3, 9, 32, 32), r'folds exactly clip_len = 8 frames, but the clip has 9'),
    ],
)
def test_bad_clips(arch, shape, message):
    with torch.device('meta'):
        model = build(arch)
        with pytest.raises(ValueError, match=message):
            model(torch.empty(shape))
