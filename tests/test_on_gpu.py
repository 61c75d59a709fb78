"""On a GPU: its numbers are those of a CPU, nothing waits for it, and kernels are right at the sizes of the papers.

Skipped without a GPU. The rest of the suite runs there, too, on whatever device mmengine chooses.
"""

import math
import os

import pytest
import torch
from torch.utils._pytree import tree_leaves

from mmvidext import ops
from mmvidext.engine.finite import any_rank_not_finite
from mmvidext.ops.frame_matching import match_frames
from tests.device_cases import CASES, DeviceCases

if not torch.cuda.is_available() or os.environ.get('TRITON_INTERPRET') == '1':
    pytest.skip('needs a GPU', allow_module_level=True)
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # as --deterministic does

GPU, CPU = torch.device('cuda'), torch.device('cpu')
ON_BOTH = [name for name in CASES if 'Triton' not in name and name != 'match_frames']
DTYPES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
# what torch has no deterministic gradient for on a GPU
WARP, POOL = 'grid_sampler_2d_backward_cuda', 'max_pool3d_with_indices_backward_cuda'
NOT_DETERMINISTIC = {
    'flow_warp': WARP,
    'DeepFeatureFlow, step': WARP,
    'DeepFeatureFlow, training': WARP,
    'DeepFeatureFlowDetector, step': WARP,
    'DeepFeatureFlowDetector, training': WARP,
    'P3DResNet': POOL,
}


@pytest.fixture(autouse=True)
def settings():
    """A CPU has no TF32."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before
    torch.cuda.set_sync_debug_mode('default')
    torch.use_deterministic_algorithms(False)


class Case:
    """A case of ``tests/device_cases.py`` with weights and inputs that are the same on every device."""

    def __init__(self, name, device, dtype=torch.float32):
        torch.manual_seed(0)
        self.device, self.dtype, self.leaves = device, dtype, []
        self.call = CASES[name](DeviceCases(device, self.move, self.rand))

    def move(self, module):
        module = module.to(self.device, self.dtype)
        self.leaves += module.parameters()
        return module

    def rand(self, *shape):
        self.leaves.append(torch.randn(shape).to(self.device, self.dtype).requires_grad_())
        return self.leaves[-1]

    def run(self):
        """Return outputs and gradients."""
        outputs = [leaf for leaf in tree_leaves(self.call()) if isinstance(leaf, torch.Tensor)]
        differentiable = [output for output in outputs if output.requires_grad]
        grads = [
            torch.linspace(-1, 1, out.numel(), device=out.device).to(out.dtype).view_as(out) for out in differentiable
        ]
        leaves = list({id(leaf): leaf for leaf in self.leaves if leaf.requires_grad}.values())
        options = dict(allow_unused=True, retain_graph=True)  # of what was formed before the call
        found = torch.autograd.grad(differentiable, leaves, grads, **options) if differentiable else ()
        return [output.detach() for output in outputs], [grad for grad in found if grad is not None]


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_what_is_not_finite_is_found(dtype):
    gradients = [torch.ones(size, device=GPU, dtype=dtype) for size in (1, 3, 70_000)]
    loss = torch.ones((), device=GPU)
    for spoiled in (None, *gradients, loss):
        if spoiled is not None:
            spoiled[..., -1:].fill_(math.nan) if spoiled.dim() else spoiled.fill_(math.inf)
        assert any_rank_not_finite([loss], gradients, gradients[0].device) == (spoiled is not None)
        for tensor in (*gradients, loss):
            tensor.fill_(1)


def distance(found, wanted):
    """Return how far two lists of tensors are apart, relative to the second one."""
    assert len(found) == len(wanted)
    found, wanted = ([tensor.detach().cpu().double().flatten() for tensor in tensors] for tensors in (found, wanted))
    if not wanted:
        return 0.0
    found, wanted = torch.cat(found), torch.cat(wanted)
    return float((found - wanted).norm() / wanted.norm().clamp(min=1e-12))


@pytest.mark.parametrize('name', ON_BOTH)
def test_gives_the_numbers_of_a_cpu(name):
    (outputs, grads), (wanted, wanted_grads) = (Case(name, device, torch.float64).run() for device in (GPU, CPU))
    errors = distance(outputs, wanted), distance(grads, wanted_grads)
    assert max(errors) < 1e-6, errors


@pytest.mark.parametrize('name', CASES)
def test_does_not_wait_for_the_gpu(name):
    case = Case(name, GPU)
    case.run()
    torch.cuda.set_sync_debug_mode('error')
    for dtype in DTYPES:
        with torch.autocast('cuda', dtype, enabled=dtype != torch.float32):
            outputs, grads = case.run()
    torch.cuda.set_sync_debug_mode('default')
    assert all(torch.isfinite(tensor).all() for tensor in (*outputs, *grads))


@pytest.mark.parametrize('name', CASES)
def test_can_be_captured_in_a_graph(name):
    case = Case(name, GPU)

    def outputs():
        with torch.no_grad():
            return [leaf for leaf in tree_leaves(case.call()) if isinstance(leaf, torch.Tensor)]

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        expected = [tensor.clone() for tensor in outputs()]
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = outputs()
    graph.replay()
    assert distance(found, expected) < 1e-5


@pytest.mark.parametrize('name', CASES)
def test_is_deterministic_or_says_what_is_not(name):
    torch.use_deterministic_algorithms(True)
    case = Case(name, GPU)
    if name in NOT_DETERMINISTIC:
        with pytest.raises(RuntimeError, match=f'{NOT_DETERMINISTIC[name]} does not have a deterministic'):
            case.run()
        return
    case.run()
    (outputs, grads), (again, grads_again) = case.run(), case.run()
    assert all(torch.equal(one, other) for one, other in zip([*outputs, *grads], [*again, *grads_again], strict=True))


def correlation(*maps, backend):
    return ops.local_correlation(*maps, 7, backend=backend)


def dilated_correlation(*maps, backend):
    return ops.local_correlation(*maps, 10, dilation=2, backend=backend)


def soft_argmax(scores, *, backend):
    return torch.cat(ops.kernel_soft_argmax(scores.permute(0, 3, 4, 1, 2), backend=backend), 1)


def shift(x, *, backend):
    return ops.temporal_shift(x, 8, backend=backend)


def pooling(*maps, backend):
    return ops.pool_samples(*maps, num_samples=5, sample_stride=3, backend=backend)


KERNELS = [
    (correlation, [(56, 64, 28, 28)] * 2),
    (dilated_correlation, [(8, 256, 48, 64)] * 2),
    (soft_argmax, [(56, 28, 28, 15, 15)]),
    (shift, [(64, 256, 56, 56)]),
    (pooling, [(8, 64, 60, 80), (8, 25, 60, 80)]),
]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize(('op', 'shapes'), KERNELS)
def test_kernels_are_right_at_the_sizes_of_the_papers(op, shapes, dtype, layout):
    pytest.importorskip('triton')
    formats = {'memory_format': layout} if op is not soft_argmax else {}
    inputs = [torch.randn(shape, device=GPU).to(dtype, **formats).requires_grad_() for shape in shapes]
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    found, wanted = op(*inputs, backend='triton'), op(*exact, backend='torch')
    grad = torch.randn_like(found)
    grads = torch.autograd.grad(found, inputs, grad, retain_graph=True)
    errors = distance([found], [wanted]), distance(grads, torch.autograd.grad(wanted, exact, grad.double()))
    assert max(errors) < DTYPES[dtype], errors
    again = torch.autograd.grad(op(*inputs, backend='triton'), inputs, grad)
    assert all(torch.equal(one, other) for one, other in zip(grads, again, strict=True))


def test_matching_is_right_at_the_size_of_the_paper():
    pytest.importorskip('triton')
    from tests.ops.triton_matching_cases import unfused

    frames = torch.randn(64, 64, 28, 28, device=GPU, requires_grad=True)
    exact = frames.detach().double().requires_grad_()
    outputs = match_frames(frames, 8, 7), unfused(frames, 8, 7, 5.0), unfused(exact, 8, 7, 5.0)
    grad = torch.randn_like(outputs[0])
    grads = [
        torch.autograd.grad(output, leaf, grad.to(output.dtype))
        for output, leaf in zip(outputs, (frames, frames, exact), strict=True)
    ]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-5)
    assert distance(grads[0], grads[2]) < 1e-5 + 3 * distance(grads[1], grads[2])


@pytest.mark.parametrize('backend', ['torch', 'triton'])
def test_products_are_exact_whatever_the_process_allows(backend):
    maps = [torch.randn(8, 64, 28, 28, device=GPU) for _ in range(2)]
    exact = correlation(*[feat.double() for feat in maps], backend='torch')
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('medium')
    try:
        assert distance([correlation(*maps, backend=backend)], [exact]) < 1e-6
    finally:
        torch.set_float32_matmul_precision(before)
