import pytest
import torch

from mmvidext.layers.temporal_interlace import InterlacedConv, TemporalInterlace


def test_starts_with_half_a_frame_and_weight_one():
    layer = TemporalInterlace(16, 4)
    for module in layer.modules():
        if isinstance(module, (torch.nn.Conv1d, torch.nn.Linear)):
            torch.nn.init.zeros_(module.weight)
    layer.offset_net.reset_bias()
    layer.weight_net.reset_bias()
    descriptor = torch.randn(2, 4, 4)
    assert torch.allclose(layer.offset_net(descriptor), torch.full((2, 2), 0.5), atol=1e-4)
    assert torch.equal(layer.weight_net(descriptor), torch.ones(2, 4, 2))
    # group by group: half a frame later, later, earlier, earlier
    x = torch.ones(4, 16, 1, 1)
    out = layer(x)[:, :4, 0, 0]
    assert torch.allclose(out[0], torch.tensor([0.5, 0.5, 1.0, 1.0]), atol=1e-4)
    assert torch.allclose(out[3], torch.tensor([1.0, 1.0, 0.5, 0.5]), atol=1e-4)
    assert torch.equal(layer(x)[:, 4:], x[:, 4:])


def test_every_parameter_and_the_input_get_a_gradient():
    layer = InterlacedConv(torch.nn.Conv2d(16, 8, 1), 4)
    x = torch.randn(8, 16, 3, 3, requires_grad=True)
    layer(x).square().sum().backward()
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_errors():
    with pytest.raises(ValueError, match=r'four groups, but C = 20 and shift_div = 4 make 5 channels'):
        TemporalInterlace(20, 8)
    with pytest.raises(ValueError, match=r'x holds 12 frames, which is not a multiple of num_segments=8'):
        TemporalInterlace(16, 8)(torch.zeros(12, 16, 2, 2))
