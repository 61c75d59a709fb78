"""The Triton kernels: in Triton's interpreter, on a GPU, and compiled ahead, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmvidext.ops import local_correlation

ROOT = Path(__file__).resolve().parents[2]
CASES = ['triton_correlation_cases.py', 'triton_matching_cases.py', 'triton_op_cases.py']


def run(*command, **environment):
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    environment = {**os.environ, 'PYTHONPATH': path, **environment}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize('cases', [*CASES, 'triton_bounds_cases.py'])
def test_kernels_equal_their_definition_in_the_interpreter(cases):
    pytest.importorskip('triton')
    plugins = '-p', 'no:xdist', '-p', 'tests.ops.within_bounds'
    result = run('-m', 'pytest', '-q', *plugins, f'tests/ops/{cases}', TRITON_INTERPRET='1')
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('cases', CASES)
def test_kernels_equal_their_definition_on_a_gpu(cases):
    result = run('-m', 'pytest', '-q', '-p', 'no:xdist', '-p', 'tests.ops.on_gpu', f'tests/ops/{cases}')
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.mark.parametrize('capability', ['80', '90'])
def test_kernels_compile_ahead_and_spill_nothing(capability, tmp_path):
    triton = pytest.importorskip('triton')
    if not (Path(triton.__file__).parent / 'backends' / 'nvidia' / 'bin' / 'ptxas').exists():
        pytest.skip('this Triton has no compiler for NVIDIA GPUs')
    cache = str(tmp_path)  # a kernel of an earlier run must not answer
    result = run('-m', 'tests.ops.triton_resources', capability, TRITON_INTERPRET='0', TRITON_CACHE_DIR=cache)
    assert result.returncode == 0, result.stderr[-4000:]
    spilled = json.loads(result.stdout.splitlines()[-1])
    assert {name: count for name, count in spilled.items() if count} == {}


def test_cpu_is_refused_without_the_interpreter():
    pytest.importorskip('triton')
    feat = torch.randn(1, 2, 3, 3)
    with pytest.raises(ValueError, match="backend 'triton' runs on a GPU, but the input is on cpu"):
        local_correlation(feat, feat, 1, backend='triton')


def test_missing_triton_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmvidext.ops._correlation_triton', None)
    monkeypatch.delattr('mmvidext.ops._correlation_triton', raising=False)
    feat = torch.randn(1, 2, 3, 3)
    with pytest.raises(ImportError, match=r"backend 'triton' needs Triton \(pip install 'mmvidext\[gpu\]'\)"):
        local_correlation(feat, feat, 1, backend='triton')
