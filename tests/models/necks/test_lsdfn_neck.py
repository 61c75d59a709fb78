import pytest
import torch
from torch import nn

from mmvidext.models.necks import DFNNeck, LSDFNNeck
from mmvidext.registry import MODELS

LAYER = dict(dynamic_channels=3, post_channels=5, feature_channels=8, kernel_channels=6)


def make_neck(in_channels, **kwargs):
    return LSDFNNeck(in_channels, **{**LAYER, 'num_samples': 3, 'sample_stride': 2, **kwargs})


def make_features():
    return torch.randn(2, 4, 8, 10), torch.randn(2, 6, 4, 5)


@pytest.mark.parametrize(('in_index', 'out_channels'), [(-1, (4, 11)), (1, (4, 11)), (0, (9, 6)), (-2, (9, 6))])
def test_extends_one_feature_of_the_tuple(in_index, out_channels):
    neck, features = make_neck((4, 6), in_index=in_index), make_features()
    outputs = neck(features)
    assert neck.out_channels == tuple(output.shape[1] for output in outputs) == out_channels
    for output, feature in zip(outputs, features, strict=True):
        assert torch.equal(output[:, : feature.shape[1]], feature)


def test_channels_of_the_selected_feature_are_enough():
    neck = make_neck(6)
    assert neck.out_channels == 11
    assert [output.shape[1] for output in neck(make_features())] == [4, 11]
    assert neck(make_features()[1]).shape == (2, 11, 4, 5)


def test_follows_the_protocol_of_mmaction2_recognizers():
    neck, (wide, deep) = make_neck(6), make_features()
    clips = [feature.view(1, 2, *feature.shape[1:]).transpose(1, 2) for feature in (wide, deep)]  # (N, C, T, H, W)
    output, losses = neck(clips, data_samples=None)
    assert losses == {}
    torch.testing.assert_close(output.squeeze(2), neck((wide, deep))[1])


def test_registry_holds_both_names():
    neck = MODELS.build(dict(type='mmvidext.DFNNeck', in_channels=6, **LAYER))
    assert isinstance(neck, DFNNeck)
    assert neck.dynamic_filter.settings['num_samples'] == 1
    assert neck.dynamic_filter.sample_attention.out_channels == 1
    assert type(MODELS.build(dict(type='mmvidext.LSDFNNeck', in_channels=6, **LAYER))) is LSDFNNeck


def test_plain_dynamic_filter_network_sees_only_its_kernel():
    neck = DFNNeck(2, **{**LAYER, 'kernel_size': 3, 'kernel_std': 1.0})
    x = torch.randn(1, 2, 21, 21, requires_grad=True)
    neck.dynamic_filter(x)[0, :, 10, 10].sum().backward()
    reach = (x.grad[0].abs().sum(0) > 0).nonzero() - 10
    assert reach.abs().max() == 2  # one for the dynamic kernel, one for the feature branch


def test_every_parameter_receives_a_gradient():
    neck = make_neck(6, norm_cfg=dict(type='BN'))
    neck.init_weights()
    neck.train()(make_features())[1].square().sum().backward()
    assert [name for name, p in neck.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_index_outside_the_channels_or_the_features():
    with pytest.raises(IndexError, match=r'in_index=2 is outside in_channels: there are 2, so it must be in -2\.\.1'):
        make_neck((4, 6), in_index=2)
    with pytest.raises(IndexError, match=r'in_index=3 is outside the features: there are 2, so it must be in -2\.\.1'):
        make_neck(6, in_index=3)(make_features())


@pytest.mark.parametrize('neck', [LSDFNNeck, DFNNeck])
def test_features_that_it_cannot_serve(neck):
    neck, clips = neck(6, **LAYER), torch.randn(1, 6, 2, 4, 5)
    for given in (clips, (clips, clips)):  # what a Recognizer3D hands over
        with pytest.raises(
            ValueError, match=r'takes frames \(N, C, H, W\), but .* \(1, 6, 2, 4, 5\): .* a Recognizer2D'
        ):
            neck(given)
    frames = [torch.randn(3, 4, 2, 5)] * 2  # what a Recognizer2D makes of the frames of a backbone with one output
    with pytest.raises(ValueError, match=r'at in_index=-1 is \(3, 4, .*, not \(N, in_channels=6, H, W\); .* two or'):
        neck(frames)


def _train_in_parallel(rank, world_size, path, results):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{path}', rank=rank, world_size=world_size)
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(make_neck(6))
    generator = torch.Generator().manual_seed(rank)
    model(torch.randn(1, 6, 4, 5, generator=generator)).square().sum().backward()
    results[rank] = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).numpy()
    torch.distributed.destroy_process_group()


def test_distributed_data_parallel_averages_the_gradients(tmp_path):
    context = torch.multiprocessing.get_context('spawn')
    with context.Manager() as manager:
        results = manager.dict()
        arguments = (2, str(tmp_path / 'rendezvous'), results)
        torch.multiprocessing.spawn(_train_in_parallel, args=arguments, nprocs=2)
        first, second = torch.from_numpy(results[0]), torch.from_numpy(results[1])
    torch.manual_seed(0)
    neck = make_neck(6)
    for rank in range(2):
        x = torch.randn(1, 6, 4, 5, generator=torch.Generator().manual_seed(rank))
        (neck(x).square().sum() / 2).backward()
    expected = torch.cat([parameter.grad.flatten() for parameter in neck.parameters()])
    torch.testing.assert_close(first, expected)
    torch.testing.assert_close(first, second)


def test_recognizer_of_mmaction2_classifies_every_frame():
    pytest.importorskip('mmaction')
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    model = MODELS.build(
        dict(
            type='mmaction.Recognizer2D',
            backbone=dict(type='mmvidext.TSMResNet', depth=18, num_segments=2, pretrained=None, out_indices=(2, 3)),
            neck=dict(type='mmvidext.LSDFNNeck', in_channels=512, num_samples=3, sample_stride=1, **LAYER),
            cls_head=dict(
                type='mmaction.TSMHead', num_classes=3, in_channels=517, num_segments=2, is_shift=True,
                average_clips=None, dropout_ratio=0,
            ),
        )
    ).eval()  # fmt: skip
    clips = torch.randn(2, 2, 3, 32, 32)
    with torch.no_grad():
        feature = model.neck(model.backbone(clips.flatten(0, 1)))[1]
        expected = model.cls_head(feature, num_segs=2)
        torch.testing.assert_close(model(clips, stage='head'), expected)
    assert expected.shape == (2, 3)


@pytest.mark.parametrize('neck', [LSDFNNeck, DFNNeck])
def test_full_backward_hooks_fire_on_every_module(neck):
    """An activation in place made autograd refuse the hook of the convolution in front of it."""
    model = neck(6, dynamic_channels=3, post_channels=5, feature_channels=8, kernel_channels=6)
    forward, backward = set(), set()
    for key, module in model.named_modules():
        module.register_forward_hook(lambda *_, key=key: forward.add(key))
        module.register_full_backward_hook(lambda *_, key=key: backward.add(key))
    model(make_features()[1].requires_grad_()).sum().backward()
    assert forward == backward >= {key for key, module in model.named_modules() if isinstance(module, nn.ReLU)}
