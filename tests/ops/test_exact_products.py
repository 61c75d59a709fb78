"""No op multiplies float32 in TF32 or bfloat16, whatever the process allows, and compiled code does not either."""

from threading import Event, Thread

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd
from torch._library.custom_ops import OPDEFS
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from mmvidext.ops import ProjectedKernel, dynamic_filter, kernel_soft_argmax, local_correlation
from mmvidext.ops import exact_products as products
from mmvidext.ops.exact_products import exact_conv1x1, exact_matmul

PRODUCTS = {'mm', 'bmm', 'addmm', 'baddbmm', 'convolution', 'convolution_backward'}


def filter_projected(x):
    kernel = ProjectedKernel(torch.ones(1, 4, 5, 5), torch.ones(2 * 3, 4, 1, 1), torch.ones(2 * 3))
    maps = [torch.ones(1, channels, 5, 5) for channels in (2 * 9, 9, 9)]
    return dynamic_filter(x, maps[0], kernel, *maps[1:], kernel_size=3, num_samples=3, sample_stride=1)


CALLS = {
    'local_correlation': lambda x: local_correlation(x, x * 2, 1),
    'kernel_soft_argmax': lambda x: kernel_soft_argmax(x.view(1, 3, 5, 5, 1)[:, :, :3])[0],
    'dynamic_filter, projected': filter_projected,
}


class Precisions(TorchDispatchMode):
    """Notes the precision that each product may take on CUDA."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == 'mmvidext':  # look inside
            with self, torch.no_grad():
                return OPDEFS[f'mmvidext::{func._opname}']._init_fn(*args, **(kwargs or {}))
        if func._opname in PRODUCTS:
            owner = torch.backends.cudnn.conv if 'conv' in func._opname else torch.backends.cuda.matmul
            self.seen.append((func._opname, owner.fp32_precision))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def off_the_cpu(monkeypatch):
    """Take the way of a GPU; on a CPU a plain convolution is exact."""
    monkeypatch.setattr(products, '_is_exact_already', lambda device: False)


@pytest.fixture
def fast_products():
    """What a user who wants speed sets."""
    pytest.importorskip('torch', '2.9')
    torch.set_float32_matmul_precision('high')
    yield
    torch.set_float32_matmul_precision('highest')


@pytest.mark.usefixtures('fast_products', 'off_the_cpu')
@pytest.mark.parametrize('name', CALLS)
def test_products_never_run_in_tf32(name):
    x = torch.randn(1, 3, 5, 5, requires_grad=True)
    before = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
    with Precisions() as precisions:
        CALLS[name](x).sum().backward()
    assert len(precisions.seen) >= 2
    assert {precision for _, precision in precisions.seen} == {'ieee'}
    assert (torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision) == before


@pytest.mark.usefixtures('off_the_cpu')
@pytest.mark.parametrize('name', CALLS)
def test_compiled_code_has_no_product_of_its_own(name):
    operators = []

    def record(graph, inputs):
        operators.extend(getattr(node.target, '_opname', '') for node in graph.graph.nodes)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(CALLS[name], fullgraph=True, backend=aot_autograd(fw_compiler=record))
    compiled(torch.randn(1, 3, 5, 5, requires_grad=True)).sum().backward()
    assert {name for name in operators if name.startswith(('exact', 'local_correlation'))}
    assert PRODUCTS & set(operators) == set()


@pytest.fixture
def settings():
    """A setting, and those that follow it."""
    pytest.importorskip('torch', '2.9')
    whole = torch.backends
    parts = whole.cudnn, whole.cudnn.conv, whole.cuda.matmul, whole.mkldnn.matmul
    before = [(owner, owner.fp32_precision) for owner in (*parts, whole)]
    for part in parts:
        part.fp32_precision = 'none'  # as at the start: it has no value of its own
    yield whole, parts
    for owner, value in before:
        owner.fp32_precision = value


def test_what_follows_a_setting_still_does(settings):
    whole, parts = settings
    for value in ('tf32', 'ieee'):
        whole.fp32_precision = value
        CALLS['local_correlation'](torch.randn(1, 3, 5, 5))
        assert [part.fp32_precision for part in parts] == [value] * 4


@pytest.mark.usefixtures('fast_products')
def test_threads_leave_each_other_the_settings():
    here, entered, left = torch.device('cpu'), Event(), Event()
    seen = []

    def multiply():
        with products.exact_products(here):
            entered.set()
            left.wait()
            seen.append(torch.backends.cuda.matmul.fp32_precision)

    other = Thread(target=multiply)
    with products.exact_products(here):
        other.start()
        entered.wait(0.1)
    left.set()
    other.join()
    assert (seen, torch.backends.cuda.matmul.fp32_precision) == (['ieee'], 'tf32')


@pytest.mark.usefixtures('off_the_cpu')
def test_gradients():
    left, right = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((6, 4), (4, 2)))
    for function in (exact_matmul, lambda a, b: exact_conv1x1(a.view(2, 4, 3, 1), b.view(2, 4, 1, 1))):
        assert gradcheck(function, (left, right))
        assert gradgradcheck(function, (left, right))
