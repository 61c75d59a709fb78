"""Products whose float32 sums are float32, whatever the process allows: no TF32, no bfloat16, no autocast.

cuDNN multiplies float32 in TF32 unless it is told not to; cuBLAS does where the user sets the matmul precision to
``'high'``. The functions are operators of their own, so that it holds in compiled code, too. Exported, traced, in
``torch.func`` and in forward mode they are the plain products, which every runtime knows; so are convolutions on a CPU,
which the matmul precision does not reach.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.exporting import is_exporting
from mmvidext.ops.plain_operators import needs_plain_operators
from mmvidext.ops.precision import without_autocast
from mmvidext.ops.second_derivatives import is_derived_again

__all__ = ['exact_conv1x1', 'exact_conv1x1_gradients', 'exact_matmul', 'exact_products']

_TURN = RLock()  # the settings are those of all threads


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Multiply float32 in float32 inside an operator; threads take turns. Then the process's settings are as before."""
    with _TURN, without_autocast(device), _exact_settings():
        yield


@contextmanager
def _exact_settings_before_torch_2_9() -> Iterator[None]:
    matmul, conv = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision('highest')
        torch.backends.cudnn.allow_tf32 = False
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = conv


@contextmanager
def _exact_settings_since_torch_2_9() -> Iterator[None]:
    """Go from the whole to its parts, which follow it: one that is not exact even then has a value of its own."""
    backends: Any = torch.backends
    # that of cudnn is that of all of CUDA
    parts = backends.cudnn, backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul
    changed = []
    try:
        for owner in (backends, *parts):
            own = owner.fp32_precision
            if own != 'ieee':
                owner.fp32_precision = 'ieee'
                changed.append((owner, own))
        yield
    finally:
        for owner, own in reversed(changed):
            owner.fp32_precision = own


_has_levels = hasattr(torch.backends.cuda.matmul, 'fp32_precision')
_exact_settings = _exact_settings_since_torch_2_9 if _has_levels else _exact_settings_before_torch_2_9


def _is_exact_already(device: torch.device) -> bool:
    """Whether a convolution is exact without an operator of its own, which costs a tenth of a dynamic filter's time."""
    return device.type == 'cpu' and not torch.is_autocast_enabled('cpu')


def exact_conv1x1(feature: Tensor, weight: Tensor) -> Tensor:
    """Convolve ``feature (N, C, H, W)`` with ``weight (K, C, 1, 1)`` to ``(N, K, H, W)``."""
    if 0 in feature.shape[2:]:  # which conv2d refuses
        return (weight.flatten(1) @ feature.flatten(2)).unflatten(2, feature.shape[2:])
    if is_exporting() or torch.jit.is_tracing() or needs_plain_operators(feature, weight):
        return F.conv2d(feature, weight)
    if _is_exact_already(feature.device):
        return F.conv2d(feature, weight)
    result: Tensor = _conv1x1_op(feature, weight)
    return result


def exact_conv1x1_gradients(grad: Tensor, feature: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of feature and weight, given that of the result of :func:`exact_conv1x1`."""
    if 0 in feature.shape[2:]:
        return torch.zeros_like(feature), torch.zeros_like(weight)
    if _is_exact_already(feature.device):
        return _conv1x1_gradients(grad, feature, weight)
    if is_derived_again():  # in products that have a derivative themselves
        by_place, feature_by_place = (maps.transpose(0, 1).flatten(1) for maps in (grad, feature))
        grad_weight = exact_matmul(by_place, feature_by_place.t()).view_as(weight)
        return exact_conv1x1(grad, weight.transpose(0, 1)), grad_weight
    grads: tuple[Tensor, Tensor] = _conv1x1_gradients_op(grad, feature, weight)
    return grads


def exact_matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply ``left (M, K)`` with ``right (K, N)``."""
    if is_exporting() or torch.jit.is_tracing() or needs_plain_operators(left, right):
        return torch.mm(left, right)
    result: Tensor = _matmul_op(left, right)
    return result


@torch.library.custom_op('mmvidext::exact_conv1x1', mutates_args=())
def _conv1x1_op(feature: Tensor, weight: Tensor) -> Tensor:
    with exact_products(feature.device):
        return F.conv2d(feature, weight)


@_conv1x1_op.register_fake
def _(feature: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(feature, weight)


@torch.library.custom_op('mmvidext::exact_conv1x1_gradients', mutates_args=())
def _conv1x1_gradients_op(grad: Tensor, feature: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    with exact_products(feature.device):
        return _conv1x1_gradients(grad, feature, weight)


@_conv1x1_gradients_op.register_fake
def _(grad: Tensor, feature: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return _conv1x1_gradients(grad, feature, weight)


def _conv1x1_gradients(grad: Tensor, feature: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    geometry = [1, 1], [0, 0], [1, 1], False, [0, 0], 1  # stride, padding, dilation, transposed, output padding, groups
    grads = torch.ops.aten.convolution_backward(grad, feature, weight, None, *geometry, [True, True, False])
    return grads[0], grads[1]


@torch.library.custom_op('mmvidext::exact_matmul', mutates_args=())
def _matmul_op(left: Tensor, right: Tensor) -> Tensor:
    with exact_products(left.device):
        return torch.mm(left, right)


@_matmul_op.register_fake
def _(left: Tensor, right: Tensor) -> Tensor:
    return torch.mm(left, right)


def _setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _conv1x1_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    return exact_conv1x1_gradients(grad, *ctx.saved_tensors)


def _matmul_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
    left, right = ctx.saved_tensors
    grad_left = _matmul_op(grad, right.t()) if ctx.needs_input_grad[0] else None
    return grad_left, _matmul_op(left.t(), grad) if ctx.needs_input_grad[1] else None


torch.library.register_autograd('mmvidext::exact_conv1x1', _conv1x1_backward, setup_context=_setup_context)
torch.library.register_autograd('mmvidext::exact_matmul', _matmul_backward, setup_context=_setup_context)
