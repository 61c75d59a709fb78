import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvidext.models.flow import FlowNetS, upsample_flow
from mmvidext.registry import MODELS
from tests.oracles.flownet import flownet_s

WIDTH = 0.125


def table_weights(net):
    """Our parameters under the names of the published layer table."""
    weights = {}
    for name, module in net.named_modules():
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            continue
        *_, kind, level = ('.' + name).split('.')
        if kind:  # decoder.KIND.LEVEL
            kind = {'predict_flow': 'predict', 'upsample_flow': 'upflow', 'deconv': 'deconv'}[kind]
            level = int(level) + 1 if kind == 'upflow' else level
        weights[f'{kind}{level}'] = (module.weight, module.bias)
    return weights


def images(height, width, num=2):
    return torch.randn(num, 3, height, width), torch.randn(num, 3, height, width)


def randomize_biases(net):
    for parameter in net.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.1)


@pytest.mark.parametrize(
    ('deconv_bias', 'predict_bias', 'upflow_bias', 'expected'),
    [(False, False, False, 38_675_536), (True, True, False, 38_676_506), (True, True, True, 38_676_514)],
)
def test_parameter_count_is_the_published_one(deconv_bias, predict_bias, upflow_bias, expected):
    with torch.device('meta'):
        net = FlowNetS(deconv_bias=deconv_bias, predict_bias=predict_bias, upflow_bias=upflow_bias)
    assert sum(parameter.numel() for parameter in net.parameters()) == expected


@pytest.mark.parametrize('size', [(64, 128), (37, 53), (1, 1)])
def test_equals_the_layer_table(size):
    net = FlowNetS(width=WIDTH)
    net.init_weights()
    randomize_biases(net)
    first, second = images(*size)
    expected = flownet_s(table_weights(net), first, second)
    flows = net(first, second)
    assert len(flows) == 5
    for level, flow in enumerate(flows, start=2):
        torch.testing.assert_close(flow, expected[level], atol=1e-4, rtol=1e-4)


def test_width_scales_every_layer_but_the_flows():
    with torch.device('meta'):
        half, three_eighths = FlowNetS(width=0.5), FlowNetS(width=3 / 8)
    assert half.conv6_1.weight.shape == (512, 512, 3, 3)
    assert half.feature_channels == 64 + 32 + 2
    widths = [
        getattr(three_eighths, name).out_channels for name in ('conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'conv6')
    ]
    assert widths == [24, 48, 96, 192, 192, 384]
    with pytest.raises(ValueError, match=r'width must leave each layer a channel, but 0\.001 leaves'):
        FlowNetS(width=0.001)


def test_estimate_is_the_finest_flow_in_pixels_of_the_input():
    net = FlowNetS(width=WIDTH).eval()
    first, second = images(30, 45)
    finest = net(first, second)[0]
    assert finest.shape == (2, 2, 8, 12)
    estimate = net.estimate(first, second)
    assert estimate.shape == (2, 2, 30, 45)
    torch.testing.assert_close(estimate, F.interpolate(finest, size=(32, 48), mode='bilinear')[..., :30, :45] * 20)
    constant = upsample_flow(torch.full((1, 2, 2, 3), 0.5), (7, 9))
    torch.testing.assert_close(constant, torch.full((1, 2, 7, 9), 10.0))


def test_estimate_at_stride_pools_the_feature_before_the_last_prediction():
    net = FlowNetS(width=WIDTH).eval()
    first, second = images(36, 52)
    feature, _ = net.forward_features(first, second)
    assert feature.shape == (2, net.feature_channels, 9, 13)
    flow, same = net.estimate_at_stride(first, second, stride=4)
    assert torch.equal(same, feature)
    torch.testing.assert_close(flow, net(first, second)[0] * 20)
    flow, pooled = net.estimate_at_stride(first, second, stride=8)
    assert pooled.shape == (2, net.feature_channels, 5, 7)
    torch.testing.assert_close(pooled[..., :4, :6], F.avg_pool2d(feature, 2))
    torch.testing.assert_close(
        pooled[..., 4, 6], feature[..., 8, 12]
    )  # a window that ends outside averages what is inside
    finest = net.decoder.predict_flow['2']
    torch.testing.assert_close(flow, F.conv2d(pooled, finest.weight, finest.bias, padding=1) * 20)
    for stride in (0, 2, 6):
        with pytest.raises(ValueError, match=f"multiple of 4, the stride of FlowNet's finest feature, not {stride}"):
            net.estimate_at_stride(first, second, stride=stride)


def test_every_parameter_gets_a_gradient_and_init_keeps_the_scale():
    net = FlowNetS(width=WIDTH)
    net.init_weights()
    flows = net(*images(64, 64))
    assert all(0.01 < flow.std() < 100 for flow in flows)
    sum(flow.square().sum() for flow in flows).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_compiles_without_graph_break():
    net = FlowNetS(width=WIDTH).eval()
    compiled = torch.compile(net, fullgraph=True, backend='aot_eager')
    with torch.no_grad():
        first, second = images(37, 53)
        torch.testing.assert_close(compiled(first, second)[0], net(first, second)[0])


def test_autocast_and_empty_batch():
    net = FlowNetS(width=WIDTH).eval()
    assert net.estimate(*images(20, 30, num=0)).shape == (0, 2, 20, 30)
    with torch.autocast('cpu', torch.bfloat16):
        assert net.estimate(*images(20, 30)).isfinite().all()


@MODELS.register_module()
class DoublingFilter(nn.Module):
    """Stands in for a dynamic filter: twice the first channels."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels

    def forward(self, feature):
        return feature[:, : self.out_channels] * 2


def test_dynamic_filter_joins_level_3_and_its_skip():
    net = FlowNetS(width=WIDTH, dynamic_filter=dict(type='mmvidext.DoublingFilter', out_channels=5))
    assert net.dynamic_filter.in_channels == 32
    assert net.conv3_1.in_channels == 32 + 5
    plain = FlowNetS(width=WIDTH)
    assert net.decoder.deconv['2'].in_channels == plain.decoder.deconv['2'].in_channels + 5
    assert [flow.shape for flow in net(*images(37, 53))] == [flow.shape for flow in plain(*images(37, 53))]


def test_errors():
    net = FlowNetS(width=WIDTH)
    with pytest.raises(ValueError, match=r'images must be \(N, 3, H, W\), but the first is \(3, 8, 8\)'):
        net(torch.zeros(3, 8, 8), torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match=r'same shape, but they are \(1, 3, 8, 8\) and \(1, 3, 8, 9\)'):
        net(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))
