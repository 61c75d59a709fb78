"""Which kernels an op runs: what 'auto' takes on a GPU, without one."""

from importlib import import_module
from types import SimpleNamespace

import pytest
import torch

from mmvidext.ops import backends, local_correlation, temporal_shift
from mmvidext.ops.backends import takes_triton


def on_gpu(dtype=torch.float32):
    return SimpleNamespace(is_cuda=True, dtype=dtype, get_device=lambda: 0)


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(backends, '_gpu_runs_triton', lambda index: True)


def takes(tensor, backend='auto', size=1, **kwargs):
    return takes_triton(backend, tensor, size=size, largest=4, what='maps', **kwargs)


@pytest.mark.usefixtures('gpu')
def test_auto_takes_the_kernel_where_it_runs():
    assert takes(on_gpu())
    assert takes(on_gpu(torch.bfloat16))
    assert not takes(on_gpu(torch.float64))
    assert not takes(on_gpu(torch.int32))
    assert not takes(on_gpu(torch.float8_e4m3fn))
    assert not takes(on_gpu(), size=5)
    assert not takes(on_gpu(), backend='torch')
    assert not takes(torch.zeros(1))


@pytest.mark.usefixtures('gpu')
def test_auto_takes_plain_torch_where_the_kernel_does_not_suit():
    assert not takes(on_gpu(), suits=False)
    assert takes(on_gpu(), suits=True)
    assert takes(on_gpu(), backend='triton', suits=False)


@pytest.fixture
def verdicts(monkeypatch):
    """What an op says of its input; it then takes plain torch."""
    found = []
    for name in ('local_correlation', 'temporal_shift'):
        module = import_module(f'mmvidext.ops.{name}')
        monkeypatch.setattr(module, 'takes_triton', lambda *_, suits, **__: found.append(suits))
    return found


def test_a_wide_window_does_not_suit(verdicts):
    feat = torch.zeros(1, 1, 2, 2)
    for displacement in (24, 25):
        local_correlation(feat, feat, displacement)
    assert verdicts == [True, False]


def test_a_small_shift_does_not_suit(verdicts):
    for frames in (2**15, 2**15 - 1):
        temporal_shift(torch.empty(frames, 8, 4, 8), 1)  # 1024 bytes each
    assert verdicts == [True, False]


@pytest.mark.usefixtures('gpu')
@pytest.mark.parametrize('name', ['mmvidext.ops.backends.is_exporting', 'torch.jit.is_tracing'])
def test_what_is_exported_has_no_kernel_of_ours(monkeypatch, name):
    monkeypatch.setattr(name, lambda: True)
    assert not takes(on_gpu())


@pytest.mark.parametrize(
    ('cuda', 'triton', 'capability', 'expected'),
    [
        ('13.0', '3.6.0', (9, 0), True),
        ('13.0', '3.7.1', (8, 0), True),
        ('13.0', '3.5.1', (9, 0), False),
        ('13.0', '3.6.0', (7, 5), False),
        ('13.0', None, (9, 0), False),
        (None, '3.6.0', (9, 4), False),
    ],
)
def test_gpus_that_run_the_kernels(monkeypatch, cuda, triton, capability, expected):
    monkeypatch.setattr(torch.version, 'cuda', cuda)
    monkeypatch.setattr(backends, '_triton_version', lambda: triton and tuple(map(int, triton.split('.')[:2])))
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda index: capability)
    assert backends._gpu_runs_triton.__wrapped__(0) is expected
