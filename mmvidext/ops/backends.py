"""Which kernels an op runs: plain torch, one of ours in Triton, or torchvision's. The one place that decides."""

import functools
import importlib
import os
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Literal, get_args

import torch
from torch import Tensor

from mmvidext.ops.exporting import is_exporting
from mmvidext.ops.graph_constants import constant_in_graphs
from mmvidext.ops.plain_operators import needs_plain_operators

__all__ = [
    'LARGEST_BATCH',
    'LARGEST_DISPLACEMENT',
    'WITH_TORCHVISION',
    'DetectionBackend',
    'KernelBackend',
    'check_backend',
    'import_kernels',
    'takes_torchvision',
    'takes_triton',
    'torchvision_problem',
]

LARGEST_DISPLACEMENT = 24  # that 'auto' matches in Triton: a wider window may not fit a GPU's shared memory
LARGEST_BATCH = 2**16 - 1  # maps in one launch: CUDA's limit of the second dimension of a grid

_TYPES = (torch.float32, torch.float16, torch.bfloat16)  # of our kernels

KernelBackend = Literal['auto', 'torch', 'triton']
DetectionBackend = Literal['auto', 'torch', 'torchvision']
# those that mean the same in torchvision; its ps_roi_pool rounds otherwise, and its gradient on the CPU is wrong at the
# last row (0.29.1)
WITH_TORCHVISION = ('nms', 'roi_align', 'deform_conv2d')


def check_backend(backend: str, *, size: int, largest: int, what: str) -> None:
    """Raise unless an op may have this ``backend``.

    Args:
        backend: ``'auto'``, ``'torch'`` or ``'triton'``.
        size: A size of the input that the Triton kernel limits.
        largest: The most that it takes.
        what: What ``size`` counts, for the message.

    Raises:
        ValueError: If the backend is none of the three, or the input is too large for the kernel.
    """
    if backend not in get_args(KernelBackend):
        raise ValueError(f'backend must be one of {get_args(KernelBackend)}, but is {backend!r}')
    if backend == 'triton' and size > largest:
        raise ValueError(f"backend 'triton' takes at most {largest} {what}, but got {size}. Use backend='torch'")


def takes_triton(backend: str, tensor: Tensor, *, size: int, largest: int, what: str, suits: bool = True) -> bool:
    """Whether an op with this ``backend`` runs its Triton kernel on ``tensor``.

    ``'auto'`` does on NVIDIA GPUs from compute capability 8.0 on, where the kernels are faster (docs/gpu.md), unless
    the graph is exported or the op runs in ``torch.func`` or in forward mode. Device and type of the input are checked
    by :func:`import_kernels`, when the kernel is launched.

    Args:
        backend: As in :func:`check_backend`, with the rest of its arguments.
        tensor: The input.
        size: A size of the input that the kernel limits.
        largest: The most that it takes.
        what: What ``size`` counts.
        suits: Whether ``'auto'`` may take the kernel: not where plain torch is faster, or the only one that fits.

    Raises:
        ValueError: As :func:`check_backend`, and if ``'triton'`` is asked for in ``torch.func`` or in forward mode.
    """
    check_backend(backend, size=size, largest=largest, what=what)
    if backend == 'triton' and needs_plain_operators(tensor):
        raise ValueError("backend 'triton' works neither in torch.func nor in forward mode. Use backend='torch'")
    if backend == 'auto':
        return suits and _runs_triton(tensor) and size <= largest  # in this order: an exported size has no bound
    return backend == 'triton'


def _runs_triton(tensor: Tensor) -> bool:
    if not tensor.is_cuda or tensor.dtype not in _TYPES or is_exporting() or torch.jit.is_tracing():
        return False
    if needs_plain_operators(tensor):
        return False
    return _gpu_runs_triton(tensor.get_device())


def _triton_version() -> tuple[int, ...] | None:
    try:
        return tuple(int(number) for number in version('triton').split('.')[:2])
    except PackageNotFoundError:
        return None


@constant_in_graphs
@functools.cache
def _gpu_runs_triton(index: int) -> bool:
    """Whether a GPU and its Triton are those that the kernels ran on, or newer (docs/gpu.md)."""
    triton = _triton_version()
    if torch.version.cuda is None or triton is None or triton < (3, 6):
        return False
    return torch.cuda.get_device_capability(index) >= (8, 0)


def import_kernels(name: str, tensor: Tensor) -> ModuleType:
    """Return the module of kernels ``_{name}_triton``, for tensors like ``tensor``.

    Raises:
        ImportError: If Triton is not installed.
        ValueError: If ``tensor`` is on a CPU, and not under Triton's interpreter (``TRITON_INTERPRET=1``).
        TypeError: If ``tensor`` is neither float32 nor a half-precision type.
    """
    try:
        kernels = importlib.import_module(f'mmvidext.ops._{name}_triton')
    except ImportError as error:
        raise ImportError(
            "backend 'triton' needs Triton (pip install 'mmvidext[gpu]'). backend='torch' needs nothing"
        ) from error
    if tensor.device.type == 'cpu' and os.environ.get('TRITON_INTERPRET') != '1':
        raise ValueError(f"backend 'triton' runs on a GPU, but the input is on {tensor.device}. Use backend='torch'")
    if tensor.dtype not in _TYPES:
        raise TypeError(f"backend 'triton' takes float32, float16 or bfloat16, not {tensor.dtype}. Use backend='torch'")
    return kernels


@functools.cache
def torchvision_problem() -> str | None:
    """Return why torchvision's compiled ops cannot be used, or None if they can."""
    try:
        importlib.import_module('torchvision')
    except ImportError:
        return 'torchvision is not installed'
    except Exception as error:  # one that was built for another torch raises RuntimeError on import
        return f'torchvision does not load with this torch ({error})'
    if not hasattr(torch.ops.torchvision, 'nms'):
        return 'torchvision does not load its compiled ops with this torch'
    return None


@constant_in_graphs
def takes_torchvision(backend: str) -> bool:
    """Whether an op with this ``backend`` runs torchvision's compiled kernel: with ``'auto'`` wherever that loads.

    Args:
        backend: ``'auto'``, ``'torch'`` or ``'torchvision'``.

    Raises:
        ValueError: If the backend is none of the three.
        ImportError: If torchvision is asked for and does not load.
    """
    if backend not in get_args(DetectionBackend):
        raise ValueError(f'backend must be one of {get_args(DetectionBackend)}, but is {backend!r}')
    if backend == 'torch':
        return False
    problem = torchvision_problem()
    if problem and backend == 'torchvision':
        raise ImportError(f"backend 'torchvision': {problem}. backend='torch' needs nothing")
    return problem is None
