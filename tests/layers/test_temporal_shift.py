import pytest
import torch
from torch import nn

from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.ops import temporal_shift


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('mode', [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_the_net_gets_the_shifted_input_and_the_input_is_left_alone(layout, causal, mode):
    x = torch.randn(6, 16, 5, 4).to(memory_format=layout)
    before = x.clone()
    layer, seen = TemporalShift(nn.Conv2d(16, 4, 1), 3, causal=causal), []

    def look(_, inputs):
        seen.append(inputs[0])
        assert torch.equal(x, before)

    layer.net.register_forward_pre_hook(look)
    with mode():
        layer(x)
    assert torch.equal(seen[0], temporal_shift(x, 3, causal=causal))
    assert torch.equal(x, before)


@pytest.mark.parametrize('net', [nn.Identity(), nn.Sequential(nn.ReLU(inplace=True))])
def test_a_net_that_returns_its_input(net):
    x = torch.randn(6, 16, 5, 4)
    before = x.clone()
    with torch.no_grad():
        assert torch.equal(TemporalShift(net, 3)(x), net(temporal_shift(x, 3)))
    assert torch.equal(x, before)


def test_expanded_and_inference_input():
    layer = TemporalShift(nn.Conv2d(16, 4, 1), 3)
    with torch.inference_mode():
        x = torch.randn(6, 16, 5, 4)
    with torch.no_grad():
        assert torch.equal(layer(x), layer.net(temporal_shift(x, 3)))
        expanded = torch.randn(1, 16, 5, 4).expand(6, -1, -1, -1)
        assert torch.equal(layer(expanded), layer.net(temporal_shift(expanded, 3)))


def test_errors():
    with pytest.raises(ValueError, match='shift_div must be a whole number, at least 2, but is 1'):
        TemporalShift(nn.Identity(), 3, shift_div=1)
