import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck

from mmvidext.ops import flow_warp
from tests.oracles.flow_warp import flow_warp as naive_flow_warp

SIZES = [(5, 7), (4, 8), (1, 6), (6, 1), (1, 1)]


@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
@pytest.mark.parametrize('size', SIZES)
def test_equals_naive_loop(size, padding_mode):
    feature = torch.randn(2, 3, *size, dtype=torch.float64)
    flow = torch.randn(2, 2, *size, dtype=torch.float64) * 3
    expected = naive_flow_warp(feature, flow, padding_mode=padding_mode)
    torch.testing.assert_close(flow_warp(feature, flow, padding_mode=padding_mode), expected)


@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
@pytest.mark.parametrize('size', [*SIZES, (33, 97), (45, 60)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float64])
def test_zero_flow_is_the_exact_identity(size, dtype, padding_mode):
    feature = torch.randn(2, 3, *size).to(dtype)
    warped = flow_warp(feature, torch.zeros(2, 2, *size), padding_mode=padding_mode)
    assert warped.dtype == dtype
    assert torch.equal(warped, feature)


def test_whole_pixels_are_exact_and_x_comes_first():
    feature = torch.randn(1, 2, 9, 13)
    flow = torch.zeros(1, 2, 9, 13)
    flow[:, 0], flow[:, 1] = 2, -1
    assert torch.equal(flow_warp(feature, flow)[..., 1:, :-2], feature[..., :-1, 2:])


def test_far_outside():
    feature = torch.rand(1, 2, 4, 5) + 1
    flow = torch.full((1, 2, 4, 5), 1e6)
    assert torch.equal(flow_warp(feature, flow), torch.zeros_like(feature))
    expected = feature[..., -1:, -1:].expand_as(feature)
    assert torch.equal(flow_warp(feature, flow, padding_mode='border'), expected)


@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
def test_gradients_to_feature_and_flow(padding_mode):
    feature = torch.randn(1, 2, 3, 5, dtype=torch.float64, requires_grad=True)
    # away from whole pixels, where the bilinear weights have a kink
    flow = (torch.randint(-3, 4, (1, 2, 3, 5)) + torch.rand(1, 2, 3, 5) * 0.6 + 0.2).double().requires_grad_()
    assert gradcheck(lambda f, v: flow_warp(f, v, padding_mode=padding_mode), (feature, flow))


def test_layouts_agree():
    feature, flow = torch.randn(2, 4, 5, 6), torch.randn(2, 2, 5, 6)
    expected = flow_warp(feature, flow)
    torch.testing.assert_close(flow_warp(feature.to(memory_format=torch.channels_last), flow), expected)
    strided = torch.stack((feature, feature), dim=-1)[..., 0]
    assert not strided.is_contiguous()
    torch.testing.assert_close(flow_warp(strided, flow.transpose(2, 3).contiguous().transpose(2, 3)), expected)


@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
def test_empty_batch(padding_mode):
    out = flow_warp(torch.zeros(0, 3, 5, 6), torch.zeros(0, 2, 5, 6), padding_mode=padding_mode)
    assert out.shape == (0, 3, 5, 6)


def test_autocast():
    feature, flow = torch.randn(1, 3, 9, 9), torch.randn(1, 2, 9, 9)
    with torch.autocast('cpu', torch.bfloat16):
        low = flow_warp(feature.bfloat16(), flow.bfloat16())
        full = flow_warp(feature, flow)
    assert low.dtype == torch.bfloat16
    assert torch.equal(full, flow_warp(feature, flow))
    torch.testing.assert_close(low.float(), full, atol=5e-2, rtol=5e-2)


def test_compiles_without_graph_break():
    compiled = torch.compile(flow_warp, fullgraph=True, backend='aot_eager')
    for size in [(5, 7), (6, 9), (9, 6)]:
        feature, flow = torch.randn(1, 3, *size, requires_grad=True), torch.randn(1, 2, *size)
        torch.testing.assert_close(compiled(feature, flow), flow_warp(feature, flow))


def test_fake_tensors_have_no_values_to_look_at():
    with FakeTensorMode():
        assert flow_warp(torch.rand(2, 3, 5, 6), torch.rand(2, 2, 5, 6)).shape == (2, 3, 5, 6)


def test_inputs_are_not_written_to():
    feature, flow = torch.randn(1, 3, 5, 6), torch.randn(1, 2, 5, 6)
    copies = feature.clone(), flow.clone()
    flow_warp(feature, flow, padding_mode='border')
    assert torch.equal(feature, copies[0])
    assert torch.equal(flow, copies[1])


def test_errors():
    feature = torch.zeros(1, 3, 4, 5)
    with pytest.raises(ValueError, match=r'feature must be \(N, C, H, W\), 4 dimensions'):
        flow_warp(feature[0], torch.zeros(1, 2, 4, 5))
    with pytest.raises(ValueError, match=r'flow must be .* \(1, 2, 4, 5\), but it is \(1, 2, 5, 4\)'):
        flow_warp(feature, torch.zeros(1, 2, 5, 4))
    with pytest.raises(ValueError, match="padding_mode must be 'zeros' or 'border', not 'reflection'"):
        flow_warp(feature, torch.zeros(1, 2, 4, 5), padding_mode='reflection')


@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
@pytest.mark.parametrize('value', [float('nan'), float('inf'), float('-inf'), 3e38])
def test_a_vector_that_is_not_finite_or_huge_touches_no_other_pixel(value, padding_mode):
    feature, flow = torch.randn(1, 2, 6, 7), torch.randn(1, 2, 6, 7)
    flow[0, 0, 1, 2] = 100  # outside, like the value below
    bad = flow.clone()
    bad[0, 0, 1, 2] = value
    results = []
    for vectors in (flow, bad):
        inputs = [feature.clone().requires_grad_(), vectors.requires_grad_()]
        out = flow_warp(*inputs, padding_mode=padding_mode)
        results.append((out, *torch.autograd.grad(out, inputs, torch.ones_like(out))))
    (out, grad, grad_flow), (bad_out, bad_grad, bad_grad_flow) = results
    elsewhere = torch.ones(6, 7, dtype=torch.bool)
    elsewhere[1, 2] = False
    assert torch.equal(out[..., elsewhere], bad_out[..., elsewhere])
    assert torch.equal(grad_flow[..., elsewhere], bad_grad_flow[..., elsewhere])
    if value == value and value > 0:
        assert torch.equal(out, bad_out)
        assert torch.equal(grad, bad_grad)
    assert bad_out[0, :, 1, 2].isnan().all() == (value != value)
    if padding_mode == 'zeros':
        assert bad_grad.isfinite().all()
