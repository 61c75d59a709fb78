import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmvidext.ops import ProjectedKernel, dynamic_filter
from tests.oracles.dynamic_filter import naive_dynamic_filter


def make_arguments(shape, outputs, kernel_size, num_samples, dtype=torch.float32, scale=1.0):
    batch, channels, *size = shape
    counts = outputs * kernel_size**2, outputs * channels, kernel_size**2, num_samples**2
    others = [scale * torch.randn(batch, count, *size, dtype=dtype) for count in counts]
    return [torch.randn(shape, dtype=dtype), *others]


def settings(kernel_size=3, num_samples=3, sample_stride=2):
    return dict(kernel_size=kernel_size, num_samples=num_samples, sample_stride=sample_stride)


def make_projected(shape, outputs, code_channels, dtype=torch.float32):
    batch, channels, *size = shape
    code = torch.randn(batch, code_channels, *size, dtype=dtype)
    weight = torch.randn(outputs * channels, code_channels, 1, 1, dtype=dtype)
    return ProjectedKernel(code, weight, torch.randn(outputs * channels, dtype=dtype))


@pytest.mark.parametrize(
    ('kernel_size', 'num_samples', 'sample_stride'), itertools.product((1, 3, 5), (1, 3, 5, 7), (1, 2, 3))
)
def test_equals_the_naive_form(kernel_size, num_samples, sample_stride):
    """Odd sizes, and maps smaller than the sampling field."""
    kwargs = settings(kernel_size, num_samples, sample_stride)
    doubles = make_arguments((2, 3, 5, 7), 2, kernel_size, num_samples, torch.float64, scale=0.3)
    leaves = [argument.requires_grad_() for argument in doubles]
    out = dynamic_filter(*leaves, **kwargs)
    expected = naive_dynamic_filter(*leaves, **kwargs)
    torch.testing.assert_close(out, expected, atol=1e-10, rtol=0)

    weight = torch.randn_like(out)
    gradients = torch.autograd.grad((out * weight).sum(), leaves)
    expected_gradients = torch.autograd.grad((expected * weight).sum(), leaves)
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, atol=1e-10, rtol=0)

    single = dynamic_filter(*[argument.detach().float() for argument in doubles], **kwargs)
    torch.testing.assert_close(single, expected.detach().float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize('chunk_channels', [None, 1, 2])
def test_gradcheck(chunk_channels):
    arguments = make_arguments((1, 2, 3, 4), 3, 3, 3, torch.float64)
    leaves = [argument.requires_grad_() for argument in arguments]
    assert gradcheck(lambda *a: dynamic_filter(*a, **settings(), chunk_channels=chunk_channels), leaves)


@pytest.mark.parametrize('chunk_channels', [None, 1, 2])
def test_projected_kernel_equals_the_kernel_it_stands_for(chunk_channels):
    shape, outputs = (2, 3, 4, 5), 3
    feature, spatial, _, position, sample = make_arguments(shape, outputs, 3, 3, torch.float64)
    projected = make_projected(shape, outputs, 2, torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (feature, spatial, position, sample, *projected)]
    out = dynamic_filter(
        feature, spatial, projected, position, sample, **settings(), chunk_channels=chunk_channels
    )  # fmt: skip
    formed = dynamic_filter(feature, spatial, F.conv2d(*projected), position, sample, **settings())
    torch.testing.assert_close(out, formed, atol=1e-10, rtol=0)
    weight = torch.randn_like(out)
    for ours, theirs in zip(
        torch.autograd.grad((out * weight).sum(), leaves),
        torch.autograd.grad((formed * weight).sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def test_projected_kernel_gradcheck():
    shape = (1, 2, 3, 4)
    feature, spatial, _, position, sample = make_arguments(shape, 2, 1, 3, torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (feature, *make_projected(shape, 2, 3, torch.float64))]
    assert gradcheck(
        lambda f, *kernel: dynamic_filter(f, spatial, ProjectedKernel(*kernel), position, sample, **settings(1)), leaves
    )


def test_zero_kernels_and_zero_attention_give_the_box_mean_of_the_channel_mean():
    feature = torch.randn(2, 6, 9, 8)
    zeros = [torch.zeros_like(argument) for argument in make_arguments(feature.shape, 4, 3, 3)[1:]]
    out = dynamic_filter(feature, *zeros, **settings(sample_stride=1))
    expected = F.avg_pool2d(feature.mean(1, keepdim=True), 3, stride=1, padding=1).expand_as(out)
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=0)


def test_one_sample_is_a_plain_dynamic_filter_network():
    feature, spatial, channel, _, _ = make_arguments((2, 3, 5, 6), 4, 3, 1)
    zeros = torch.zeros(2, 9, 5, 6), torch.zeros(2, 1, 5, 6)
    out = dynamic_filter(feature, spatial, channel, *zeros, **settings(num_samples=1, sample_stride=3))
    kernel = spatial.view(2, 4, 1, 9, 5, 6).repeat(1, 1, 3, 1, 1, 1)
    kernel[:, :, :, 4] += channel.view(2, 4, 3, 5, 6) + 1 / 3
    patches = F.unfold(feature, 3, padding=1).view(2, 1, 3, 9, 5, 6)
    torch.testing.assert_close(out, (kernel * patches).sum((2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize('projected', [False, True])
@pytest.mark.parametrize('shape', [(0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0), (2, 3, 0, 0)])
def test_empty_batch_and_empty_map(shape, projected):
    arguments = make_arguments(shape, 2, 3, 3)
    leaves = [arguments[0]]
    if projected:
        arguments[2] = make_projected(shape, 2, 4)
        leaves += arguments[2]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    out = dynamic_filter(*arguments, **settings())
    assert out.shape == (shape[0], 2, *shape[2:])
    out.sum().backward()
    assert all(torch.equal(leaf.grad, torch.zeros_like(leaf)) for leaf in leaves)


@pytest.mark.parametrize('projected', [False, True])
def test_layouts(projected):
    arguments = make_arguments((2, 3, 5, 4), 2, 3, 3)
    kernel = make_projected((2, 3, 5, 4), 2, 4)
    if projected:
        arguments[2] = kernel
    expected = dynamic_filter(*arguments, **settings())
    before = arguments[0].clone()

    def channels_last(tensor):
        return tensor.to(memory_format=torch.channels_last)

    def strided(tensor):
        return tensor.repeat_interleave(2, dim=-1)[..., ::2]

    for change in (channels_last, strided):
        changed = [change(argument) for argument in arguments if isinstance(argument, torch.Tensor)]
        if projected:
            changed.insert(2, kernel._replace(code=change(kernel.code)))
        torch.testing.assert_close(dynamic_filter(*changed, **settings()), expected, atol=1e-5, rtol=0)
    assert torch.equal(arguments[0], before)


@pytest.mark.parametrize('projected', [False, True])
def test_bfloat16(projected):
    arguments = make_arguments((1, 8, 6, 7), 3, 3, 3, torch.bfloat16, scale=0.2)
    if projected:
        arguments[2] = ProjectedKernel(*[0.3 * part for part in make_projected((1, 8, 6, 7), 3, 4, torch.bfloat16)])
    tensors = [part for argument in arguments for part in (argument if isinstance(argument, tuple) else [argument])]
    for tensor in tensors:
        tensor.requires_grad_()
    out = dynamic_filter(*arguments, **settings())
    out.sum().backward()
    assert out.dtype == torch.bfloat16
    assert all(tensor.grad.dtype == torch.bfloat16 for tensor in tensors)
    exact = [
        ProjectedKernel(*[part.detach().float() for part in argument])
        if isinstance(argument, tuple)
        else argument.detach().float()
        for argument in arguments
    ]
    torch.testing.assert_close(out.float(), dynamic_filter(*exact, **settings()), atol=0.03, rtol=0.03)


@pytest.mark.parametrize('projected', [False, True])
def test_compiles_without_a_graph_break(projected):
    arguments = make_arguments((1, 3, 5, 4), 2, 3, 3)
    if projected:
        arguments[2] = make_projected((1, 3, 5, 4), 2, 4)
    arguments[0].requires_grad_()
    compiled = torch.compile(lambda *a: dynamic_filter(*a, **settings()), fullgraph=True, backend='aot_eager')
    out, expected = compiled(*arguments), dynamic_filter(*arguments, **settings())
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(
        *[torch.autograd.grad(result.square().sum(), arguments[0])[0] for result in (out, expected)]
    )


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(kernel_size=2), 'kernel_size must be an odd number, 1 or more, so that it has a center: 2'),
        (dict(num_samples=4), 'num_samples must be an odd number, 1 or more, so that it has a center: 4'),
        (dict(sample_stride=0), 'sample_stride must be a whole number, at least 1, but is 0'),
        (dict(chunk_channels=0), 'chunk_channels must be a whole number, at least 1, but is 0'),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        dynamic_filter(*make_arguments((1, 3, 4, 4), 2, 3, 3), **{**settings(), **change})


@pytest.mark.parametrize(
    ('index', 'shape', 'message'),
    [
        (0, (3, 4, 4), r'feature must be \(N, C, H, W\), 4 dimensions'),
        (1, (1, 17, 4, 4), r'spatial_kernel must have a multiple of kernel_size\*\*2 = 9 channels.*\(1, 17, 4, 4\)'),
        (1, (1, 18, 4, 5), r'spatial_kernel must be \(1, 18, 4, 4\) for a feature of \(1, 3, 4, 4\)'),
        (2, (1, 7, 4, 4), r'channel_kernel must be \(1, 6, 4, 4\).* its shape is \(1, 7, 4, 4\)'),
        (3, (1, 8, 4, 4), r'position_attention must be \(1, 9, 4, 4\)'),
        (4, (2, 9, 4, 4), r'sample_attention must be \(1, 9, 4, 4\).* its shape is \(2, 9, 4, 4\)'),
    ],
)
def test_shapes_that_do_not_match(index, shape, message):
    arguments = make_arguments((1, 3, 4, 4), 2, 3, 3)
    arguments[index] = torch.zeros(shape)
    with pytest.raises(ValueError, match=message):
        dynamic_filter(*arguments, **settings())


@pytest.mark.parametrize('projected', [False, True])
def test_a_feature_without_channels(projected):
    arguments = make_arguments((1, 3, 4, 4), 2, 3, 3)
    if projected:
        arguments[2] = make_projected((1, 3, 4, 4), 2, 4)
    arguments[0] = arguments[0][:, :0]
    with pytest.raises(ValueError, match='number of channels of feature must be a whole number, at least 1, but is 0'):
        dynamic_filter(*arguments, **settings())


def test_projected_kernel_that_does_not_match():
    arguments = make_arguments((1, 3, 4, 4), 2, 3, 3)
    arguments[2] = make_projected((1, 3, 4, 4), 3, 4)
    with pytest.raises(ValueError, match=r'must be \(6, 4, 1, 1\) and \(6,\) for 2 output channels'):
        dynamic_filter(*arguments, **settings())
    arguments[2] = make_projected((1, 3, 5, 4), 2, 4)
    with pytest.raises(ValueError, match=r'channel_kernel\.code must be \(1, 4, 4, 4\)'):
        dynamic_filter(*arguments, **settings())
