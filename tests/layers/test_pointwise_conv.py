import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvidext.layers.pointwise_conv import PointwiseConv2d, convolve_and_normalize


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


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('norm', [nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4)])
@pytest.mark.parametrize(
    'conv', [PointwiseConv2d(6, 4), nn.Conv2d(6, 4, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)]
)
def test_with_a_norm_it_is_the_norm_of_the_convolution(layout, norm, conv):
    conv, norm = conv.double(), norm.double()
    x = torch.randn(2, 6, 3, 5, dtype=torch.float64).to(memory_format=layout)
    if isinstance(norm, nn.BatchNorm2d):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    for mode in (False, True):
        norm.train(mode)
        with torch.no_grad():
            torch.testing.assert_close(convolve_and_normalize(x, conv, norm), norm(conv(x)))
        out = convolve_and_normalize(x, conv, norm)
        assert out.requires_grad
        torch.testing.assert_close(out, norm(conv(x)))
