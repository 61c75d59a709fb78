"""What every backbone in the registry must do. A new one fails for want of a case as soon as it is registered."""

import copy

import pytest
import torch
from mmcv.cnn import fuse_conv_bn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvidext.registry import MODELS

SEGMENTS = 4
OF_FRAMES = ['TSMResNet', 'MSResNet', 'TINResNet', 'MobileNetV2TSM']
# name -> (arguments, shape of the input, shapes of the stages); each name in the registry needs one
IMAGE = ((2 * SEGMENTS, 3, 64, 64), [(8, 64, 16, 16), (8, 128, 8, 8), (8, 256, 4, 4), (8, 512, 2, 2)])
CASES = {
    'TSMResNet': (dict(depth=18, num_segments=SEGMENTS), *IMAGE),
    'MSResNet': (dict(depth=18, num_segments=SEGMENTS, motion_squeeze=dict(max_displacement=2)), *IMAGE),
    # eight frames: with four, a hidden layer of four units behind a ReLU may be dead from the start
    'TINResNet': (
        dict(depth=18, num_segments=8),
        (16, 3, 32, 32),
        [(16, 64, 8, 8), (16, 128, 4, 4), (16, 256, 2, 2), (16, 512, 1, 1)],
    ),
    'MobileNetV2TSM': (
        dict(num_segments=SEGMENTS),
        (2 * SEGMENTS, 3, 64, 64),
        [(8, 16, 32, 32), (8, 24, 16, 16), (8, 32, 8, 8), (8, 64, 4, 4)],
    ),
    'P3DResNet': (
        dict(depth=50, base_channels=8),
        (2, 3, 16, 32, 32),
        [(2, 32, 8, 8, 8), (2, 64, 4, 4, 4), (2, 128, 2, 2, 2), (2, 256, 1, 1, 1)],
    ),
    'VideoResNet': (
        dict(arch='r2plus1d', depth=18, base_channels=8),
        (2, 3, 8, 32, 32),
        [(2, 8, 8, 16, 16), (2, 16, 4, 8, 8), (2, 32, 2, 4, 4), (2, 64, 1, 2, 2)],
    ),
}
# the other networks of the same class
VARIANTS = {
    'causal': ('TSMResNet', dict(causal=True)),
    'bottlenecks': ('VideoResNet', dict(depth=50)),
    **{arch: ('VideoResNet', dict(arch=arch)) for arch in ('f_r2d', 'r3d', 'mc3', 'rmc3')},
}
# two stages, for what takes long: the later ones repeat what the first ones do
_IMAGE_STAGES = dict(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,))
_CLIP_STAGES = dict(out_indices=(1,))
SHORT = {
    **dict.fromkeys(('TSMResNet', 'MSResNet', 'TINResNet'), _IMAGE_STAGES),
    **dict.fromkeys(('P3DResNet', 'VideoResNet'), _CLIP_STAGES),
}


def registered():
    import mmvidext.models  # noqa: F401

    return sorted(name for name, module in MODELS.module_dict.items() if '.backbones.' in module.__module__)


def build(name, **kwargs):
    name, extra = VARIANTS.get(name, (name, {}))
    return MODELS.build(dict(type=name, **{**CASES[name][0], **extra, **kwargs}))


def clip(name):
    return torch.randn(CASES[VARIANTS.get(name, (name,))[0]][1])


def stem(model):
    return model.stem if hasattr(model, 'stem') else model.conv1


def test_every_backbone_of_the_registry_has_a_case():
    assert registered() == sorted(CASES)


@pytest.mark.parametrize('name', CASES)
def test_stages_have_the_expected_shapes(name):
    shapes = CASES[name][2]
    model = build(name, out_indices=(0, 1, 2, 3))
    model.eval()
    with torch.no_grad():
        outputs = model(clip(name))
    assert [tuple(output.shape) for output in outputs] == shapes


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_trains_every_parameter_without_nan(name):
    model = build(name)
    model.init_weights()
    model.train()
    output = model(clip(name))
    assert torch.isfinite(output).all()
    (output * torch.randn_like(output)).sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        # after ReLU and batch norm a value may not matter, but not a whole tensor
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize('name', CASES)
def test_bfloat16_autocast(name):
    model = build(name)
    model.init_weights()
    x = clip(name)
    model.eval()  # batch statistics of a handful of values would blow rounding up
    with torch.no_grad():
        expected = model(x)
        with torch.autocast('cpu', torch.bfloat16):
            output = model(x)
    assert torch.isfinite(output).all()
    assert torch.cosine_similarity(output.float().flatten(), expected.flatten(), 0) > 0.99


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_compiles_without_graph_break(name):
    torch._dynamo.reset()
    kind = VARIANTS[name][0] if name in VARIANTS else name
    model, x = build(name, **SHORT.get(kind, {})), clip(name)
    model.eval()
    compiled = torch.compile(model, fullgraph=True, backend='eager')
    with torch.inference_mode():
        torch.testing.assert_close(compiled(x), model(x))
    model.train()
    compiled(x).sum().backward()


def count_calls(model):
    """Hook every module that does something; return the list that the names of the called ones are written to."""
    called = []
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    return called


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_hooks_fire_on_every_module_and_see_what_it_computed(name):
    model, x = build(name), clip(name)
    model.eval()
    called = count_calls(model)
    seen = []
    for module in model.modules():
        if isinstance(module, torch.nn.modules.conv._ConvNd):
            module.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[0], inputs[0].clone())))
    with torch.inference_mode():
        model(x)
    leaves = {name for name, module in model.named_modules() if not list(module.children())}
    assert leaves - set(called) == set()
    # an activation may be applied in place, but not to what a convolution has read
    assert all(torch.equal(now, then) for now, then in seen)


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
@torch.inference_mode()
def test_fusing_the_norms_of_a_copy_keeps_the_numbers(name):
    model, x = build(name), clip(name)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    model.eval()
    fused = fuse_conv_bn(copy.deepcopy(model))
    called = count_calls(fused)
    torch.testing.assert_close(fused(x), model(x), atol=1e-3, rtol=1e-3)
    assert {name for name, module in fused.named_modules() if not list(module.children())} <= set(called)


@pytest.mark.parametrize('name', CASES)
def test_state_dict_round_trip(name):
    first, second = build(name), build(name)
    first.eval()
    second.eval()
    second.load_state_dict(first.state_dict())
    x = clip(name)
    with torch.no_grad():
        assert torch.equal(first(x), second(x))


@pytest.mark.parametrize('name', CASES)
def test_frozen_stages(name):
    model = build(name, frozen_stages=1)
    model.train()
    frozen = [*stem(model).parameters(), *model.layer1.parameters()]
    assert frozen
    assert not any(parameter.requires_grad for parameter in frozen)
    assert not any(module.training for module in model.layer1.modules())
    assert all(parameter.requires_grad for parameter in model.layer2.parameters())
    before = {key: tensor.clone() for key, tensor in model.layer1.state_dict().items()}
    model(clip(name)).sum().backward()
    assert all(torch.equal(before[key], tensor) for key, tensor in model.layer1.state_dict().items())
    assert all(parameter.grad is None for parameter in frozen)


FREEZING = [
    *((name, dict(frozen_stages=stages)) for name in CASES for stages in (0, 2)),
    *((name, dict(partial_bn=True)) for name in ('TSMResNet', 'MSResNet', 'TINResNet')),
]


@pytest.mark.parametrize(('name', 'options'), FREEZING, ids=str)
def test_what_is_frozen_is_so_before_training(name, options):
    """A distributed model waits for the gradients of what is not, and an optimizer takes it."""
    with torch.device('meta'):
        model = build(name, **options)
    at_first = {key for key, parameter in model.named_parameters() if not parameter.requires_grad}
    model.train()
    assert at_first
    assert at_first == {key for key, parameter in model.named_parameters() if not parameter.requires_grad}


@pytest.mark.parametrize('name', ['TSMResNet', 'MSResNet', 'TINResNet'])
@pytest.mark.parametrize('kind', ['BN2d', 'SyncBN', 'converted'])
def test_partial_bn_trains_the_first_norm_of_any_class(name, kind):
    with torch.device('meta'):
        model = build(name, partial_bn=True, norm_cfg=dict(type='SyncBN' if kind == 'SyncBN' else 'BN2d'))
        if kind == 'converted':
            model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model.train()
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    assert len(norms) >= 20
    for index, norm in enumerate(norms):
        assert norm.training == norm.weight.requires_grad == norm.bias.requires_grad == (index == 0)


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('synchronized', [False, True])
def test_norm_eval(name, synchronized):
    model = build(name, norm_eval=True)
    if synchronized:
        model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model.train()
    assert model.training
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    assert norms
    assert not any(norm.training for norm in norms)


@pytest.mark.parametrize('name', CASES)
def test_init_weights_is_reproducible(name):
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        model = build(name)
        model.init_weights()
        states.append(model.state_dict())
    assert all(torch.equal(states[0][key], tensor) for key, tensor in states[1].items())


@pytest.mark.parametrize('name', CASES)
def test_learns_a_batch(name):
    model = build(name)
    model.init_weights()
    model.train()
    x = clip(name)
    per_clip = x.shape[0] // 2  # frames, where the batch is made of frames
    classify = torch.nn.Linear(model(x).shape[1], 2)
    optimizer = torch.optim.Adam([*model.parameters(), *classify.parameters()], lr=1e-3)
    losses = []
    for _ in range(5):
        pooled = model(x).flatten(2).mean(2).unflatten(0, (2, per_clip)).mean(1)
        loss = torch.nn.functional.cross_entropy(classify(pooled), torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_full_backward_hooks_fire_on_every_module(name):
    """An activation or a sum in place made autograd refuse the hook of the layer in front of it."""
    model, x = build(name), clip(name).requires_grad_()
    model.train()
    forward, backward = set(), set()
    for key, module in model.named_modules():
        module.register_forward_hook(lambda *_, key=key: forward.add(key))
        module.register_full_backward_hook(lambda *_, key=key: backward.add(key))
    model(x).sum().backward()
    modules = {key for key, module in model.named_modules() if not isinstance(module, torch.nn.ModuleList)}
    assert forward == modules
    assert backward == modules


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_what_a_forward_hook_keeps_is_not_overwritten(name):
    model, kept = build(name), []
    model.eval()
    for module in model.modules():
        module.register_forward_hook(lambda _module, _inputs, output: kept.append((output, output.clone())))
    with torch.no_grad():
        model(clip(name))
    assert kept
    assert all(torch.equal(output, at_once) for output, at_once in kept)


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_traces_with_gradients_on(name):
    model = build(name)
    model.eval()
    x, other = clip(name), clip(name)
    traced = torch.jit.trace(model, x)
    torch.testing.assert_close(traced(other), model(other))


@pytest.mark.parametrize('name', [*CASES, *VARIANTS])
def test_trains_in_bfloat16_autocast(name):
    model = build(name)
    model.init_weights()
    model.train()
    x = clip(name)
    if x.ndim == 5:
        # 24 frames: oneDNN leaves the bfloat16 weight gradient of a 3-frame kernel over exactly 2 frames uninitialized
        x = torch.randn(*x.shape[:2], 24, *x.shape[3:])
    with torch.autocast('cpu', torch.bfloat16):
        output = model(x)
    output.float().square().mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key


@pytest.mark.parametrize('name', OF_FRAMES)
def test_activates_in_place_where_asked(name):
    models = {inplace: build(name, act_cfg=dict(type='ReLU', inplace=inplace)) for inplace in (False, True)}
    for inplace, model in models.items():
        assert inplace == any(getattr(module, 'inplace', False) for module in model.modules())
    models[True].load_state_dict(models[False].state_dict())
    x, values = clip(name), []
    for model in models.values():
        out = model.train()(x)
        out.square().sum().backward()
        values.append([out.detach(), *[parameter.grad for parameter in model.parameters()]])
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*values, strict=True))


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('stages', [(-1,), (8,), (2, 1), (1, 1), (), 3], ids=str)
def test_stages_that_cannot_be_returned(name, stages):
    with pytest.raises(ValueError, match=rf'{name}: out_indices must be '), torch.device('meta'):
        build(name, out_indices=stages)


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (dict(pretrained=''), r"pretrained must name a checkpoint, .* but is ''"),
        (
            dict(pretrained='a.pth', init_cfg=dict(type='Pretrained', checkpoint='b.pth')),
            r"not both: with init_cfg, set pretrained=None \(it is 'a\.pth'\)",
        ),
    ],
)
def test_weights_to_start_from_that_are_none_or_two(name, given, message):
    with pytest.raises(ValueError, match=rf'{name}: .*{message}'), torch.device('meta'):
        build(name, **given)


@pytest.mark.parametrize('name', OF_FRAMES)
def test_arguments_of_the_classes_of_mmaction2(name):
    """Their configs hold them, where only ``type`` is to be changed."""
    with torch.device('meta'):
        assert build(name, is_shift=True, pretrained2d=False).num_segments == CASES[name][0]['num_segments']
        with pytest.raises(ValueError, match=rf'{name} always shifts: for is_shift=False, take the 2D network'):
            build(name, is_shift=False)


@pytest.mark.parametrize('name', OF_FRAMES)
def test_clips_are_not_for_a_backbone_of_frames(name):
    with (
        torch.device('meta'),
        pytest.raises(ValueError, match=rf'input of {name}, which is for a Recognizer2D, must be \(N\*T, C, H, W\)'),
    ):
        build(name)(torch.empty(2, 3, 4, 32, 32))
