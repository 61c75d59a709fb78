import pytest
import torch
from torch import nn

from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.ops import temporal_shift


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('causal', [False, True])
def test_without_gradient_the_input_is_shifted_in_place_and_whole_again(layout, causal):
    x = torch.randn(6, 16, 5, 4).to(memory_format=layout)
    before = x.clone()
    layer = TemporalShift(nn.Conv2d(16, 4, 1), 3, causal=causal)
    recorded = layer(x)
    with torch.no_grad():
        assert torch.equal(layer(x), recorded)
    with torch.inference_mode():
        assert torch.equal(layer(x), recorded)
    assert torch.equal(x, before)


def test_the_input_is_whole_again_after_an_error():
    x = torch.randn(6, 16, 5, 4)
    before = x.clone()
    with torch.no_grad(), pytest.raises(RuntimeError, match='channels'):
        TemporalShift(nn.Conv2d(8, 4, 1), 3)(x)
    assert torch.equal(x, before)


def test_autograd_may_have_kept_the_input():
    x, weight = torch.randn(6, 16, 5, 4), torch.randn(1, requires_grad=True)
    product = x * weight  # its backward needs x
    with torch.no_grad():
        TemporalShift(nn.Conv2d(16, 4, 1), 3)(x)
    product.sum().backward()
    assert weight.grad.item() == pytest.approx(x.sum().item(), rel=1e-4)


@pytest.mark.parametrize('net', [nn.Identity(), nn.Sequential(nn.ReLU(inplace=True))])
def test_a_net_that_returns_its_input(net):
    x = torch.randn(6, 16, 5, 4).relu()
    with torch.no_grad():
        assert torch.equal(TemporalShift(net, 3)(x), temporal_shift(x, 3))


def test_expanded_and_inference_input():
    layer = TemporalShift(nn.Conv2d(16, 4, 1), 3)
    with torch.inference_mode():
        x = torch.randn(6, 16, 5, 4)
    with torch.no_grad():
        assert torch.equal(layer(x), layer.net(temporal_shift(x, 3)))
        expanded = torch.randn(1, 16, 5, 4).expand(6, -1, -1, -1)
        assert torch.equal(layer(expanded), layer.net(temporal_shift(expanded, 3)))
