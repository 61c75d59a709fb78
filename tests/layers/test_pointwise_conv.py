import pytest
import torch
import torch.nn.functional as F

from mmvidext.layers.pointwise_conv import PointwiseConv2d


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('shape', [(2, 6, 3, 5), (0, 6, 3, 5), (1, 6, 1, 1)])
def test_equals_the_convolution(layout, shape):
    conv = PointwiseConv2d(6, 4).double()
    x = torch.randn(shape, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    reference = x.detach().clone().requires_grad_()
    out, expected = conv(x), F.conv2d(reference, conv.weight)
    torch.testing.assert_close(out, expected)
    (weight_grad,) = torch.autograd.grad(expected.square().sum(), conv.weight, retain_graph=True)
    expected.square().sum().backward()
    conv.weight.grad = None
    out.square().sum().backward()
    torch.testing.assert_close(x.grad, reference.grad)
    torch.testing.assert_close(conv.weight.grad, weight_grad)


def test_compiles_and_keeps_the_layout():
    conv, x = PointwiseConv2d(6, 4), torch.randn(2, 6, 3, 5)
    compiled = torch.compile(conv, fullgraph=True, backend='aot_eager')
    torch.testing.assert_close(compiled(x), conv(x))
    assert conv(x.to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)
    assert conv(x).is_contiguous()


def test_autocast():
    with torch.autocast('cpu', torch.bfloat16):
        assert PointwiseConv2d(6, 4)(torch.randn(2, 6, 3, 5)).dtype is torch.bfloat16
