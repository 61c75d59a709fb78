"""Kernel-soft-argmax: from correlation scores to one displacement (MotionSqueeze, section 3.3)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.backends import KernelBackend, import_kernels, takes_triton
from mmvidext.ops.checks import check_between, check_rank
from mmvidext.ops.exact_products import exact_matmul
from mmvidext.ops.precision import accumulation_dtype, without_autocast

__all__ = ['check_softness', 'kernel_soft_argmax']

_LARGEST_SIZE = 63  # the kernel holds all scores of a cell at once, and plain torch a table of P*P*P*P numbers


def kernel_soft_argmax(
    correlation: Tensor,
    *,
    sigma: float | None = 5.0,
    temperature: float = 0.01,
    backend: KernelBackend = 'auto',
) -> tuple[Tensor, Tensor]:
    """Return the expected displacement of every cell, and how sure the match is.

    With ``p*`` the displacement of the highest score ``s``,
    ``g(p) = exp(-|p - p*|^2 / (2 sigma^2))`` and ``w = softmax_p(g(p) s(p) / temperature)``, the displacement is
    ``sum_p w(p) p``. The Gaussian keeps far-off matches out of the average; no gradient flows through its center. This
    is the official code (github.com/arunos728/MotionSqueeze); the paper prints another Gaussian, see
    docs/compatibility.md.

    Args:
        correlation: Scores ``(N, P, P, H, W)``, indexed ``[dy, dx]``, P odd, as :func:`mmvidext.ops.local_correlation`
            returns.
        sigma: Width of the Gaussian in cells, 1e-6 to 1e6. None omits it: the plain soft-argmax.
        temperature: The smaller, the closer to the plain argmax; 1e-30 to 1e30.
        backend: ``'torch'``; or ``'triton'``, one launch each way on a GPU for P up to 63, which keeps the scores only.
            ``'auto'`` takes it on an NVIDIA GPU.

    Returns:
        ``displacement (N, 2, H, W)`` in cells, order (x, y), within [-(P-1)/2, (P-1)/2], and ``confidence (N, 1, H,
        W)``, the highest score. Half precision is computed in float32 and returned in the dtype of the input.

    Raises:
        ValueError: If the scores are not ``(N, P, P, H, W)`` with odd P, or sigma or temperature is out of its
            range; or if the backend is none of these, or cannot run this input.
        TypeError: If the type of the scores is none of the backend.
        ImportError: If the backend is not installed.

    Example:
        >>> scores = torch.zeros(1, 5, 5, 1, 1)
        >>> scores[0, 3, 0] = 1.0  # one cell down, two cells to the left
        >>> displacement, confidence = kernel_soft_argmax(scores)
        >>> displacement.flatten().round(), confidence.item()
        (tensor([-2.,  1.]), 1.0)
    """
    check_rank(correlation, '(N, P, P, H, W)', name='correlation')
    size = correlation.shape[1]
    if size != correlation.shape[2] or size % 2 == 0:
        raise ValueError(f'correlation must be (N, P, P, H, W) with odd P, but its shape is {tuple(correlation.shape)}')
    check_softness(sigma, temperature)
    if takes_triton(backend, correlation, size=size, largest=_LARGEST_SIZE, what='displacements along each axis'):
        cells = correlation.permute(0, 3, 4, 1, 2).contiguous()  # (N, H, W, P, P), as a correlation lies in memory
        motion: tuple[Tensor, Tensor] = _triton_op(cells, sigma, temperature)
        return motion
    return _from_plain_torch(correlation, sigma, temperature)


def check_softness(sigma: float | None, temperature: float) -> None:
    """Raise unless float32 can hold what is computed with these settings of :func:`kernel_soft_argmax`.

    Raises:
        ValueError: If one is out of its range.
    """
    if sigma is not None:
        check_between(sigma, 1e-6, 1e6, name='sigma', hint=' cells, or None for the plain soft-argmax')
    check_between(temperature, 1e-30, 1e30, name='temperature')


def _from_plain_torch(correlation: Tensor, sigma: float | None, temperature: float) -> tuple[Tensor, Tensor]:
    size, dtype = correlation.shape[1], correlation.dtype
    with without_autocast(correlation.device):
        scores = correlation.to(accumulation_dtype(correlation)).permute(0, 3, 4, 1, 2).flatten(3)  # (N, H, W, P*P)
        confidence, best = scores.max(dim=3)
        offsets = torch.arange(-(size // 2), size // 2 + 1, device=scores.device, dtype=scores.dtype)
        # divided by the temperature these overflow; whatever it is, only the highest score counts among such numbers
        huge = confidence.abs() > torch.finfo(scores.dtype).max * temperature
        if sigma is None:
            factor = torch.full_like(confidence, 1 / temperature).masked_fill(huge, 1).unsqueeze(3)
        else:
            factor = _gaussian_around(best, offsets, sigma, temperature, huge)
        weights = torch.softmax(scores * factor, dim=3)
        grid = torch.stack(torch.meshgrid(offsets, offsets, indexing='xy')).flatten(1)  # (2, P*P), (x, y)
        displacement = exact_matmul(weights.flatten(0, 2), grid.t()).unflatten(0, weights.shape[:3])  # (N, H, W, 2)
    return displacement.permute(0, 3, 1, 2).to(dtype), confidence.unsqueeze(1).to(dtype)


def _gaussian_around(best: Tensor, offsets: Tensor, sigma: float, temperature: float, cold: Tensor) -> Tensor:
    """Return ``exp(-|p - p*|^2 / (2 sigma^2)) / temperature``, ``(N, H, W, P*P)``, for flat indices ``best (N, H, W)``.

    The temperature is 1 where ``cold (N, H, W)``.
    """
    squares = (offsets - offsets[:, None]) ** 2  # (P, P), row: center
    size = len(offsets)
    if size > _LARGEST_SIZE:
        rows, columns = squares[best // size].unsqueeze(4), squares[best % size].unsqueeze(3)
        kernel = torch.exp((rows + columns).flatten(3) * (-0.5 / sigma**2))
        return kernel / torch.full_like(best, temperature, dtype=kernel.dtype).masked_fill(cold, 1).unsqueeze(3)
    # P*P different kernels in all, one for each place of the center: computed once, then looked up
    distances = squares[:, None, :, None] + squares[None, :, None, :]  # (P, P, P, P), center first
    kernels = torch.exp(distances * (-0.5 / sigma**2)).flatten(2).flatten(0, 1)
    return F.embedding(torch.add(best, cold, alpha=len(kernels)), torch.cat([kernels / temperature, kernels]))


@torch.library.custom_op('mmvidext::kernel_soft_argmax', mutates_args=())
def _triton_op(scores: Tensor, sigma: float | None, temperature: float) -> tuple[Tensor, Tensor]:
    result = import_kernels('soft_argmax', scores).soft_argmax(scores, sigma, temperature)
    return result[0], result[1]


@_triton_op.register_fake
def _(scores: Tensor, sigma: float | None, temperature: float) -> tuple[Tensor, Tensor]:
    count, size = scores.shape[0], scores.shape[1:3]
    return scores.new_empty(count, 2, *size), scores.new_empty(count, 1, *size)


@torch.library.custom_op('mmvidext::kernel_soft_argmax_backward', mutates_args=())
def _triton_backward_op(
    grad_displacement: Tensor, grad_confidence: Tensor, scores: Tensor, sigma: float | None, temperature: float
) -> Tensor:
    kernels = import_kernels('soft_argmax', scores)
    grads = grad_displacement, grad_confidence
    result: Tensor = kernels.soft_argmax_backward(grads, scores, sigma, temperature)
    return result


@_triton_backward_op.register_fake
def _(
    grad_displacement: Tensor, grad_confidence: Tensor, scores: Tensor, sigma: float | None, temperature: float
) -> Tensor:
    return torch.empty_like(scores)


def _setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    scores, *ctx.settings = inputs
    ctx.save_for_backward(scores)


def _backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
    return _triton_backward_op(*grads, *ctx.saved_tensors, *ctx.settings), None, None


torch.library.register_autograd('mmvidext::kernel_soft_argmax', _backward, setup_context=_setup_context)
