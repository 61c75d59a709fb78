import pytest
import torch
import torch.nn.functional as F

from mmvidext.layers import DynamicFilter
from mmvidext.ops import dynamic_filter

SMALL = dict(dynamic_channels=3, feature_channels=8, kernel_channels=6, num_samples=3, sample_stride=2)


def make_layer(**kwargs):
    return DynamicFilter(4, 5, **{**SMALL, **kwargs})


def test_equals_the_op_on_kernels_that_are_formed():
    layer, x = make_layer(kernel_std=1.0), torch.randn(2, 4, 6, 7)
    channel_kernel = F.conv2d(layer.channel_code(x), layer.channel_kernel.weight, layer.channel_kernel.bias)
    filtered = dynamic_filter(
        layer.feature_conv(x), layer.spatial_kernel(layer.spatial_code(x)), channel_kernel,
        layer.position_attention(x), layer.sample_attention(x), kernel_size=3, num_samples=3, sample_stride=2,
    )  # fmt: skip
    torch.testing.assert_close(layer(x), layer.post_conv(filtered), atol=1e-5, rtol=1e-5)


def test_kernel_std_of_zero_starts_as_the_mean_of_the_field():
    layer, x = make_layer(kernel_std=0.0, sample_stride=1), torch.randn(1, 4, 6, 7)
    mean = F.avg_pool2d(layer.feature_conv(x).mean(1, keepdim=True), 3, stride=1, padding=1)
    torch.testing.assert_close(layer(x), layer.post_conv(mean.expand(-1, 3, -1, -1)), atol=1e-6, rtol=1e-5)


def test_every_parameter_receives_a_gradient_at_initialization():
    layer = make_layer()
    layer.init_weights()
    layer(torch.randn(2, 4, 8, 8)).sum().backward()
    without = [name for name, parameter in layer.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert without == []


def test_init_weights_keeps_the_kernels_small():
    layer = make_layer(init_cfg=dict(type='Constant', layer='Conv2d', val=1.0))
    layer.init_weights()
    for conv in (layer.channel_kernel, layer.spatial_kernel, layer.position_attention, layer.sample_attention):
        assert 0 < conv.weight.abs().max() < 0.3


def test_init_weights_keeps_a_checkpoint(tmp_path):
    expected = make_layer().state_dict()
    torch.save(expected, tmp_path / 'layer.pth')
    layer = make_layer(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'layer.pth')))
    for _ in range(2):  # the second time nothing is initialized
        layer.init_weights()
        torch.testing.assert_close(layer.state_dict(), expected, atol=0, rtol=0)


@pytest.mark.parametrize('norm_cfg', [None, dict(type='BN')])
def test_normalization_is_optional(norm_cfg):
    layer = make_layer(norm_cfg=norm_cfg)
    assert layer.post_conv.with_norm == (norm_cfg is not None)
    assert layer.out_channels == layer(torch.randn(2, 4, 6, 6)).shape[1] == 5


def test_autocast_channels_last_and_compile_give_the_same():
    layer, x = make_layer(kernel_std=0.3).eval(), torch.randn(2, 4, 6, 7)
    expected = layer(x)
    last = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer.to(memory_format=torch.channels_last)(last), expected, atol=1e-5, rtol=1e-5)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = layer(x)
        assert out.dtype == torch.bfloat16
        out.float().square().sum().backward()
    torch.testing.assert_close(out.float(), expected, atol=0.02, rtol=0.05)
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())
    compiled = torch.compile(layer, fullgraph=True, backend='aot_eager')
    torch.testing.assert_close(compiled(x), expected, atol=1e-5, rtol=1e-5)


def test_attend_returns_weights_around_one():
    weights = make_layer(kernel_std=0.0).attend(torch.randn(1, 4, 5, 5))
    assert torch.equal(weights, torch.ones(1, 9, 5, 5))


def test_bad_settings_are_found_when_the_layer_is_made():
    with pytest.raises(ValueError, match='num_samples must be an odd number'):
        make_layer(num_samples=4)
    with pytest.raises(ValueError, match='kernel_size must be an odd number'):
        make_layer(kernel_size=2)
    with pytest.raises(ValueError, match='sample_stride must be a whole number, at least 1, but is 0'):
        make_layer(sample_stride=0)
