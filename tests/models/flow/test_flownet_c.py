import pytest
import torch

from mmvidext.models.flow import FlowNetC
from tests.models.flow.test_flownet_s import images, randomize_biases, table_weights
from tests.oracles.flownet import flownet_c

WIDTH = 0.125


@pytest.mark.parametrize(
    ('bias', 'expected'), [(False, 39_174_320), (True, 39_175_298)], ids=['without biases', 'with biases']
)
def test_parameter_count_is_the_published_one(bias, expected):
    with torch.device('meta'):
        net = FlowNetC(deconv_bias=bias, predict_bias=bias, upflow_bias=bias)
    assert sum(parameter.numel() for parameter in net.parameters()) == expected


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('size', [(64, 128), (37, 53)])
def test_equals_the_layer_table(size, normalize):
    net = FlowNetC(width=WIDTH, normalize=normalize)
    net.init_weights()
    randomize_biases(net)
    weights = table_weights(net)
    weights['conv_redir'] = (net.conv_redir.weight, net.conv_redir.bias)
    first, second = images(*size)
    expected = flownet_c(weights, first, second, normalize=normalize)
    for level, flow in enumerate(net(first, second), start=2):
        torch.testing.assert_close(flow, expected[level], atol=1e-4, rtol=1e-4)


def test_every_parameter_gets_a_gradient():
    net = FlowNetC(width=WIDTH)
    net.init_weights()
    sum(flow.square().sum() for flow in net(*images(64, 64))).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_compiles_without_graph_break():
    net = FlowNetC(width=WIDTH).eval()
    compiled = torch.compile(net, fullgraph=True, backend='aot_eager')
    with torch.no_grad():
        first, second = images(37, 53)
        torch.testing.assert_close(compiled(first, second)[0], net(first, second)[0])


def test_autocast_and_empty_batch():
    net = FlowNetC(width=WIDTH).eval()
    assert net.estimate(*images(20, 30, num=0)).shape == (0, 2, 20, 30)
    with torch.autocast('cpu', torch.bfloat16):
        assert net.estimate(*images(20, 30)).isfinite().all()


@torch.no_grad()
def test_half_precision_divides_before_it_rounds():
    """The sum over the channels is 320,000, more than float16 holds; its mean is 10,000."""
    net = FlowNetC(width=WIDTH).half()
    conv = next(module for module in net.conv3.modules() if isinstance(module, torch.nn.Conv2d))
    conv.weight.zero_()
    conv.bias = torch.nn.Parameter(torch.full((conv.out_channels,), 100.0).half())
    _, merged = net.merge(*(image.half() for image in images(32, 32, num=1)))
    assert merged.isfinite().all()
    middle = merged[0, -441 + 220]
    torch.testing.assert_close(middle, torch.full_like(middle, 1e4))


def test_unknown_backend():
    with pytest.raises(ValueError, match=r"backend must be .* but is 'nvidia'"):
        FlowNetC(width=WIDTH, backend='nvidia')(*images(16, 16))
