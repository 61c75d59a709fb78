import pytest
import torch
from mmaction.models.backbones.resnet import ResNet
from mmaction.models.backbones.resnet_tsm import ResNetTSM
from mmengine.runner import turn_on_activation_checkpointing

from mmvidext.models.backbones import MSResNet, TSMResNet

NON_LOCAL = dict(
    non_local=((0, 0, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 0, 0)),
    non_local_cfg=dict(sub_sample=True, mode='embedded_gaussian'),
)
OPTIONS = [
    dict(depth=18),
    dict(depth=50),
    dict(depth=101),
    dict(depth=50, num_segments=4, temporal_pool=True),
    dict(depth=50, **NON_LOCAL),
    dict(depth=34, shift_place='block'),
    dict(depth=18, shift_div=4, out_indices=(1, 3)),
]


def randomize_norms(model):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)


@torch.no_grad()
@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_keys_and_outputs_are_those_of_mmaction2(options):
    theirs, ours = ResNetTSM(pretrained2d=False, **options), TSMResNet(**options)
    randomize_norms(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.eval()
    x = torch.rand(ours.num_segments, 3, 32, 32)
    torch.testing.assert_close(ours.eval()(x), theirs(x), atol=1e-5, rtol=1e-5)


def test_depth_152_shifts_every_second_block():
    with torch.device('meta'):
        ours, theirs = TSMResNet(152), ResNetTSM(152, pretrained2d=False)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert 'layer1.0.conv1.conv.net.weight' in ours.state_dict()
    assert 'layer1.1.conv1.conv.weight' in ours.state_dict()


@torch.no_grad()
def test_causal_frame_does_not_see_the_future():
    backbone = TSMResNet(18, 4, causal=True, out_indices=(0, 1, 2, 3)).eval()
    x = torch.rand(4, 3, 32, 32)
    changed = x.clone()
    changed[3] = torch.rand(3, 32, 32)
    for before, after in zip(backbone(x), backbone(changed), strict=True):
        assert torch.equal(before[:3], after[:3])
        assert not torch.equal(before[3], after[3])


@torch.no_grad()
def test_bidirectional_frame_sees_its_neighbors():
    backbone = TSMResNet(18, 8, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)).eval()
    x = torch.rand(8, 3, 32, 32)
    changed = x.clone()
    changed[4] += 1
    moved = (backbone(x) != backbone(changed)).flatten(1).any(1)
    assert moved.tolist() == [False, False, True, True, True, True, True, False]  # two blocks: two frames each way


@torch.no_grad()
def test_without_its_shifts_the_network_is_a_resnet():
    plain = ResNet(50)
    randomize_norms(plain)
    ours = TSMResNet(50, num_segments=1)
    ours.load_state_dict({name: plain.state_dict()[name.replace('.net.', '.')] for name in ours.state_dict()})
    for name, module in list(ours.named_modules()):
        if name.endswith('conv1'):
            module.conv = getattr(module.conv, 'net', module.conv)
    plain.eval()
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(ours.eval()(x), plain(x))


@pytest.mark.parametrize('depth', [18, 50])
def test_backward_hook_on_the_last_convolution_of_a_block(depth):
    """An addition in place to the convolution's output made autograd refuse the hook."""
    backbone, seen = TSMResNet(depth, 2), []
    last = backbone.layer1[0].conv3 if depth == 50 else backbone.layer1[0].conv2
    last.register_full_backward_hook(lambda module, inputs, outputs: seen.append(outputs[0].shape))
    backbone(torch.rand(4, 3, 32, 32)).sum().backward()
    assert seen == [(4, 256 if depth == 50 else 64, 8, 8)]


def test_activation_checkpointing_gives_the_same_gradients():
    torch.manual_seed(0)
    direct, saving = TSMResNet(50, 2), TSMResNet(50, 2, with_cp=True)
    saving.load_state_dict(direct.state_dict())
    x = torch.rand(4, 3, 32, 32)
    for model in (direct, saving):
        model(x).square().mean().backward()
    for one, other in zip(direct.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(depth=20), 'unknown depth 20; valid are 18, 34, 50, 101, 152'),
        (dict(depth=18, num_segments=0), 'num_segments must be a whole number, at least 1'),
        (dict(depth=18, num_stages=5), 'unknown num_stages 5; valid are 1, 2, 3, 4'),
        (dict(depth=18, frozen_stages=5), 'unknown frozen_stages 5; valid are -1, 0, 1, 2, 3, 4'),
        (dict(depth=18, shift_div=1), 'shift_div must be a whole number, at least 2, but is 1'),
        (dict(depth=18, shift_place='conv'), "shift_place must be 'blockres' or 'block', but is 'conv'"),
        (dict(depth=18, num_segments=3, temporal_pool=True), 'num_segments=3 must be even'),
        (dict(depth=18, causal=True, temporal_pool=True), 'causal=True excludes temporal_pool and non_local'),
        (dict(depth=50, causal=True, **NON_LOCAL), 'causal=True excludes temporal_pool and non_local'),
        (dict(depth=18, non_local=((1, 0, 0), 0, 0, 0)), 'non_local for layer1 must have 2 entries'),
        (dict(depth=18, non_local=(0, 0)), 'non_local needs an entry for each of 4 stages'),
    ],
    ids=str,
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        TSMResNet(**options)


def test_the_last_stage_of_a_shorter_network_is_returned():
    with torch.device('meta'):
        model = TSMResNet(18, num_stages=2, strides=(1, 2), dilations=(1, 1))
        assert model(torch.empty(8, 3, 32, 32)).shape == (8, 128, 4, 4)


def test_partial_bn_trains_the_norms_of_non_local_blocks():
    """They start at zero: a block whose norm is frozen would never do anything."""
    with torch.device('meta'):
        model = TSMResNet(18, partial_bn=True, non_local=(1, 0, 0, 0), non_local_cfg=dict(norm_cfg=dict(type='BN3d')))
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm3d)]
    assert norms
    assert all(norm.training and norm.weight.requires_grad for norm in norms)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore::DeprecationWarning')
@pytest.mark.parametrize('grad', [False, True])
@pytest.mark.parametrize('options', [{}, dict(shift_place='block'), dict(causal=True)], ids=str)
def test_a_traced_backbone_is_right_on_other_frames(options, grad):
    backbone = TSMResNet(18, 4, **options).eval()
    first, second = torch.rand(2, 4, 3, 32, 32)
    with torch.set_grad_enabled(grad):
        traced = torch.jit.trace(backbone, first)
        torch.testing.assert_close(traced(second), backbone(second))


def test_too_few_channels_and_wrong_number_of_frames():
    backbone = TSMResNet(18, 4, shift_div=128)
    with pytest.raises(ValueError, match='x has 64 channels, fewer than shift_div=128'):
        backbone(torch.rand(4, 3, 32, 32))
    with pytest.raises(ValueError, match='x holds 6 frames, which is not a multiple of num_segments=4'):
        TSMResNet(18, 4)(torch.rand(6, 3, 32, 32))


class TestMSResNet:
    @torch.no_grad()
    @pytest.mark.parametrize('stage', [1, 2, 3, 4])
    def test_layer_stands_at_the_end_of_its_stage(self, stage):
        model = MSResNet(18, 2, motion_stage=stage)
        names = [name for name in model.state_dict() if 'motion_squeeze' in name]
        assert names
        assert all(name.startswith(f'layer{stage}.motion_squeeze.') for name in names)
        assert model.eval()(torch.rand(2, 3, 32, 32)).shape == (2, 512, 1, 1)

    def test_parameters_are_those_of_the_official_layer(self):
        """70,905 for ResNet-50 and 20,985 for ResNet-18, counted on the official code."""
        for depth, expected in ((50, 70905), (18, 20985)):
            with torch.device('meta'):
                model = MSResNet(depth)
            assert sum(value.numel() for value in model.motion_squeeze.parameters()) == expected

    def test_without_the_layer_it_is_tsm(self):
        with torch.device('meta'):
            rest = [name for name in MSResNet(18).state_dict() if 'motion_squeeze' not in name]
            assert rest == list(TSMResNet(18).state_dict())

    @torch.no_grad()
    def test_works_after_temporal_pooling(self):
        model = MSResNet(18, 4, temporal_pool=True)
        assert model.motion_squeeze.num_segments == 2
        assert model.eval()(torch.rand(4, 3, 32, 32)).shape == (2, 512, 1, 1)

    def test_errors(self):
        with pytest.raises(ValueError, match='MSResNet cannot be causal'):
            MSResNet(18, causal=True)
        with pytest.raises(ValueError, match='unknown motion_stage 5; valid are 1, 2, 3, 4'):
            MSResNet(18, motion_stage=5)


@pytest.mark.parametrize('how', ['with_cp', 'activation_checkpointing'])
def test_checkpointed_activations_give_the_same_gradients(how):
    arguments = dict(num_segments=4, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,))
    plain, checkpointed = TSMResNet(50, **arguments), TSMResNet(50, with_cp=how == 'with_cp', **arguments)
    checkpointed.load_state_dict(plain.state_dict())
    if how == 'activation_checkpointing':  # mmengine's key of a config
        turn_on_activation_checkpointing(checkpointed, ['layer2'])
    x, calls, kept = torch.randn(4, 3, 32, 32), [], []
    for model in (plain, checkpointed):
        model.train()
        calls.append([])
        model.layer2[0].conv1.register_forward_hook(lambda *_, called=calls[-1]: called.append(1))
        model(x).square().sum().backward()
        kept.append([parameter.grad for parameter in model.parameters()])
    assert [len(called) for called in calls] == [1, 2]  # the second time in the backward pass
    torch.testing.assert_close(kept[1], kept[0], rtol=1e-4, atol=1e-4)
