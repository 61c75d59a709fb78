from importlib import import_module

import pytest
import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

from mmvidext.layers import MotionSqueeze
from tests.oracles.motion_squeeze import estimate_motion as naive_estimate_motion
from tests.oracles.motion_squeeze import motion_squeeze as naive_motion_squeeze


def make_layer(num_segments=3, **options):
    layer = MotionSqueeze(6, num_segments, reduced_channels=8, max_displacement=2, **options)
    for module in layer.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5)
            for tensor in (module.bias.data, module.running_mean):
                tensor.uniform_(-0.3, 0.3)
    return layer.eval()


def weights_by_role(layer):
    def norm(module):
        return dict(mean=module.running_mean, var=module.running_var, weight=module.weight, bias=module.bias)

    reduction = layer.channel_reduction
    return dict(
        reduction=reduction[0].weight,
        reduction_norm=norm(reduction[1]),
        refinement=[
            dict(
                depthwise=part[0].weight,
                depthwise_norm=norm(part[1]),
                pointwise=part[3].weight,
                pointwise_norm=norm(part[4]),
            )
            for part in layer.flow_refinement
        ],
    )


@torch.no_grad()
@pytest.mark.parametrize(('sigma', 'temperature'), [(5.0, 0.01), (1.0, 0.1)])
def test_equals_the_literal_loop(sigma, temperature):
    layer = make_layer(sigma=sigma, temperature=temperature)
    x = torch.randn(2 * 3, 6, 4, 5)
    arguments = (weights_by_role(layer), 3, 2, sigma, temperature)
    torch.testing.assert_close(layer.estimate_motion(x), naive_estimate_motion(x, *arguments), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer(x), naive_motion_squeeze(x, *arguments), atol=1e-5, rtol=0)


@torch.no_grad()
def test_finds_a_known_motion():
    """Random texture that moves two cells right and one cell up per frame."""
    layer = MotionSqueeze(16, 3, reduced_channels=64, max_displacement=3).eval()
    texture = torch.randn(1, 16, 12, 16)
    frames = torch.cat([texture.roll((-t, 2 * t), dims=(2, 3)) for t in range(3)])
    motion = layer.estimate_motion(frames)
    assert motion.shape == (1, 2, 3, 12, 16)
    inner = motion[..., 4:-4, 4:-4]
    torch.testing.assert_close(inner[:, :, 0], torch.full_like(inner[:, :, 0], 2 / 3), atol=0.02, rtol=0)
    torch.testing.assert_close(inner[:, :, 1], torch.full_like(inner[:, :, 1], -1 / 3), atol=0.02, rtol=0)
    torch.testing.assert_close(inner[:, :, 2], torch.ones_like(inner[:, :, 2]), atol=1e-3, rtol=0)


def test_every_parameter_gets_a_gradient():
    layer = make_layer().train()
    layer(torch.randn(6, 6, 5, 5)).square().sum().backward()
    assert [name for name, value in layer.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_a_single_frame_leaves_no_parameter_without_gradient():
    """DistributedDataParallel waits for the gradient of every parameter."""
    layer = make_layer(num_segments=1).train()
    layer(torch.randn(4, 6, 5, 5)).square().sum().backward()
    assert [name for name, value in layer.named_parameters() if value.grad is None] == []


@torch.no_grad()
def test_hooks_fire_on_every_module_and_see_what_it_computed():
    layer, seen = make_layer(), {}
    for name, module in layer.named_modules():
        module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: (out, out.clone())}))
    layer(torch.randn(6, 6, 5, 5))
    assert set(seen) == {name for name, _ in layer.named_modules()}
    activations = [seen[name] for name, module in layer.named_modules() if isinstance(module, nn.ReLU)]
    assert all(torch.equal(now, then) for now, then in activations)


@torch.no_grad()
def test_clips_do_not_mix():
    layer = make_layer()
    x = torch.randn(2 * 3, 6, 4, 4)
    torch.testing.assert_close(layer(x)[3:], layer(x[3:]))


@torch.no_grad()
def test_single_frame_shows_no_motion():
    layer = make_layer(num_segments=1)
    assert layer(torch.randn(2, 6, 4, 4)).isfinite().all()
    assert layer.estimate_motion(torch.randn(2, 6, 4, 4)).shape == (2, 0, 3, 4, 4)


@torch.no_grad()
def test_channels_last_and_autocast():
    layer = make_layer()
    x = torch.randn(6, 6, 5, 6)
    expected = layer(x)
    torch.testing.assert_close(layer(x.to(memory_format=torch.channels_last)), expected, atol=1e-5, rtol=1e-5)
    with torch.autocast('cpu', torch.bfloat16):
        assert layer.estimate_motion(x).dtype == torch.float32
        torch.testing.assert_close(layer(x).float(), expected, atol=0.1, rtol=0.1)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('grad', [False, True])
def test_output_keeps_the_layout(layout, grad):
    with torch.set_grad_enabled(grad):
        out = make_layer()(torch.randn(6, 6, 4, 5).to(memory_format=layout))
    assert out.is_contiguous(memory_format=layout)


@torch.no_grad()
def test_the_output_has_one_dtype_with_and_without_gradients():
    layer, x = make_layer(), torch.rand(3, 6, 6, 6)
    with torch.autocast('cpu', torch.bfloat16):
        assert layer(x).dtype is torch.float32
        with torch.no_grad():
            assert layer(x).dtype is torch.float32


def test_half_precision_convolutions_between_float_norms():
    layer, x = make_layer(), torch.rand(3, 6, 6, 6)
    layer.bfloat16()
    for module in layer.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    expected = layer(x.bfloat16())
    with torch.no_grad():
        out = layer(x.bfloat16())
    assert out.dtype is expected.dtype is torch.bfloat16
    torch.testing.assert_close(out, expected, atol=0.1, rtol=0.1)


def test_fusing_the_norms_keeps_the_numbers():
    layer, x = make_layer(), torch.rand(3, 6, 6, 6)
    expected = layer(x)
    torch.testing.assert_close(fuse_conv_bn(layer)(x), expected, atol=1e-4, rtol=1e-4)


def test_compiles_without_graph_break():
    layer, x = make_layer(), torch.randn(6, 6, 4, 4)
    compiled = torch.compile(layer, fullgraph=True, backend='aot_eager', dynamic=False)
    torch.testing.assert_close(compiled(x), layer(x))


@pytest.mark.parametrize('backend', ['auto', 'torch'])
def test_its_ops_have_its_backend(backend, monkeypatch):
    asked = []
    for name in ('local_correlation', 'kernel_soft_argmax'):
        module = import_module(f'mmvidext.ops.{name}')
        monkeypatch.setattr(module, 'takes_triton', lambda choice, *_, **__: asked.append(choice))
    make_layer(backend=backend)(torch.randn(3, 6, 4, 5))
    assert asked == [backend, backend]


@pytest.mark.parametrize('displacement', [24, 25])
def test_auto_matches_in_one_kernel_where_it_runs(displacement, monkeypatch):
    taken = []
    module = import_module('mmvidext.layers.motion_squeeze')
    monkeypatch.setattr(module, 'takes_triton', lambda *_, suits, **__: suits)
    monkeypatch.setattr(module, 'match_frames', lambda *_, **__: taken.append(1) or torch.zeros(2, 3, 4, 5))
    layer = make_layer()
    layer.max_displacement = displacement
    layer(torch.randn(3, 6, 4, 5))
    assert taken == [1] * (displacement == 24)


def test_errors():
    with pytest.raises(ValueError, match='max_displacement must be a whole number, at least 1, but is 0'):
        MotionSqueeze(6, 3, max_displacement=0)
    with pytest.raises(ValueError, match='reduced_channels must be a whole number, at least 1, but is 0'):
        MotionSqueeze(6, 3, reduced_channels=0)
    with pytest.raises(ValueError, match=r'x holds 5 frames, which is not a multiple of num_segments=3.*num_clips'):
        make_layer()(torch.zeros(5, 6, 4, 4))
