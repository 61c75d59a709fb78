"""Run the package on an accelerator that does not exist; print what it would launch, copy and wait for, as JSON.

Tensors have shapes and a device but no values (``FakeTensorMode``). The device is torch's PrivateUse1 with its
stand-ins in Python, not 'cuda': in a build without CUDA, autograd on a fake CUDA tensor ends the process. The
registration cannot be undone, so this is a program of its own:
``python -m tests.pretended_accelerator float32 float16 bfloat16``. With ``table`` it prints launches for docs/gpu.md.

A kernel in Triton counts as one launch and does not run; without Triton its cases are left out.
"""

import contextlib
import json
import os
import sys
from importlib.util import find_spec
from unittest import mock

os.environ['TRITON_INTERPRET'] = '1'  # a kernel is then a Python object that takes any tensor

import torch
from torch import nn
from torch._library.custom_ops import OPDEFS
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend
from torch.utils.flop_counter import flop_registry

from tests.device_cases import CASES, DeviceCases
from tests.launches import is_launch

# of an H100: a launch that nothing hides, HBM3, float32 without tensor cores
LAUNCH, BYTES_PER_SECOND, FLOPS_PER_SECOND = 5e-6, 3.35e12, 60e12
WAITS = {'_local_scalar_dense', 'nonzero', 'masked_select', 'is_nonzero', 'equal', '_unique2'}


class Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self):
        return [torch.float16, torch.bfloat16]


_setup_privateuseone_for_python_backend('pretended', Backend())
DEVICE = torch.device('pretended', 0)

# autocast of the pretended device: these run in half precision, as on CUDA, the rest in what it is given
HALF_PRECISION = ('conv1d', 'conv2d', 'conv3d', 'conv_transpose2d', 'linear', 'matmul', 'mm', 'bmm', 'addmm', 'baddbmm')
AUTOCAST = 'AutocastPrivateUse1'
FALLBACK, AUTOCAST_OPS = torch.library.Library('_', 'IMPL'), torch.library.Library('aten', 'IMPL')
FALLBACK.fallback(torch.library.fallthrough_kernel, AUTOCAST)


def in_half_precision(operator):
    def cast(value):
        return value.to(torch.get_autocast_dtype('pretended')) if value is not None else None

    def call(*args, **kwargs):
        key = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
        with torch._C._ExcludeDispatchKeyGuard(key):
            args = [cast(value) if value is None or isinstance(value, torch.Tensor) else value for value in args]
            return operator(*args, **kwargs)

    return call


for operator_name in HALF_PRECISION:
    packet = getattr(torch.ops.aten, operator_name)
    overload = packet.overloads()[0]  # 'default', but for conv_transpose2d
    qualified = operator_name if overload == 'default' else f'{operator_name}.{overload}'
    AUTOCAST_OPS.impl(qualified, in_half_precision(getattr(packet, overload)), AUTOCAST)


def estimate_memory(arguments):
    """Return the seconds that a launch would take on an H100: the longer one of the launch itself and its memory."""
    tensors = {id(leaf): leaf for leaf in tree_leaves(arguments) if isinstance(leaf, torch.Tensor)}
    moved_bytes = sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
    return max(LAUNCH, moved_bytes / BYTES_PER_SECOND)


def estimate(func, args, kwargs, out):
    """Return the seconds of an operator, with its arithmetic."""
    count = flop_registry.get(func._overloadpacket)
    flops = 0 if count is None else count(*args, **kwargs, out_val=out)
    return max(estimate_memory((args, kwargs, out)), flops / FLOPS_PER_SECOND)


class Watch(TorchDispatchMode):
    """Counts launches and estimates their time; notes what touches the CPU and what waits for the device."""

    def __init__(self):
        super().__init__()
        self.launches, self.faults, self.seconds = 0, [], 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.namespace == 'mmvidext':  # a custom operator is one node: look inside
            with self, torch.no_grad():
                return OPDEFS[f'mmvidext::{func._opname}']._init_fn(*args, **kwargs)
        if func._opname in WAITS:
            self.faults.append(f'{func._opname} waits for the device')
        out = func(*args, **kwargs)
        devices = {leaf.device.type for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor)}
        if 'cpu' in devices:
            self.faults.append(f'{func._opname} touches the CPU')
        if is_launch(func):
            self.launches += 1
            self.seconds += estimate(func, args, kwargs, out)
        return out

    def launch_kernel(self, *args, **kwargs):
        self.launches += 1
        self.seconds += estimate_memory((args, kwargs))


@contextlib.contextmanager
def kernels_as_one_launch(watch):
    """Let each kernel in Triton count as one launch, and run nothing."""
    if not find_spec('triton'):
        yield
        return
    from triton.runtime.interpreter import GridExecutor

    with mock.patch.object(GridExecutor, '__call__', lambda _, *args, **kwargs: watch.launch_kernel(*args, **kwargs)):
        yield


def rand(*shape):
    return torch.randn(*shape, device=DEVICE, requires_grad=torch.is_grad_enabled())


def moved(module):
    """Do what ``module.cuda()`` does: move parameters and buffers, nothing else."""
    for part in module.modules():
        for table in (part._parameters, part._buffers):
            for key, value in table.items():
                if value is not None:
                    fake = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=DEVICE)
                    table[key] = nn.Parameter(fake, value.requires_grad) if isinstance(value, nn.Parameter) else fake
    return module


def measure(name, autocast):
    """Return launches of the forward and of the backward pass, the faults of both, and their estimated times in ms."""
    context = torch.autocast('pretended', dtype=autocast) if autocast else contextlib.nullcontext()
    with FakeTensorMode():
        call = CASES[name](DeviceCases(DEVICE, moved, rand))
        with Watch() as watch, kernels_as_one_launch(watch):
            with context:
                leaves = tree_leaves(call())
            forward, forward_ms = watch.launches, 1e3 * watch.seconds
            outputs = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
            gradients = [torch.empty_like(output) for output in outputs]
            watch.launches, watch.seconds = 0, 0.0
            if outputs:
                torch.autograd.backward(outputs, gradients)
    return [forward, watch.launches], watch.faults, [forward_ms, 1e3 * watch.seconds]


def main(*dtypes):
    if dtypes == ('table',):
        print('| case | launches | backward | ms (E) | backward |\n|---|---:|---:|---:|---:|')
        for name in CASES:
            launches, _, times = measure(name, None)
            print(f'| {name} | {launches[0]} | {launches[1]} | {times[0]:.2f} | {times[1]:.2f} |')
        sys.stdout.flush()
    else:
        autocast = {dtype: None if dtype == 'float32' else getattr(torch, dtype) for dtype in dtypes}
        results = {dtype: {name: measure(name, autocast[dtype]) for name in CASES} for dtype in dtypes}
        print(json.dumps(results), flush=True)
    os._exit(0)  # the stand-ins abort the interpreter when it ends


if __name__ == '__main__':
    main(*sys.argv[1:])
