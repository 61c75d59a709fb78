"""Kernel-soft-argmax in Triton: one launch each way, and nothing but the scores is kept.

The ``P * P`` scores of a cell lie together in memory, as :func:`mmvidext.ops.local_correlation` leaves them. A program
owns a few cells with all their scores. With ``p*`` the place of the highest score ``s*`` of a cell and ``f(p) = exp(-|p
- p*|^2 / (2 sigma^2)) / temperature``::

    w = softmax_p(f(p) s(p))        out = (sum_p w(p) p_x, sum_p w(p) p_y, s*)
    ds(p) = w(p) f(p) (dx (p_x - x) + dy (p_y - y)) + [p = p*] ds*

Sums are formed in float32.
"""

# mypy: disable-error-code="no-untyped-def"
import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ['OPTIONS', 'plan_blocks', 'soft_argmax', 'soft_argmax_backward']

OPTIONS = {'num_warps': 4}
_SCORES = 2048  # that a program holds, where one cell has no more
_MOST = torch.finfo(torch.float32).max


@triton.jit
def _weigh(scores, cell, cells, sharpness, coldness, largest, SIZE: tl.constexpr, BLOCK: tl.constexpr):
    """Return scores, mask, weights ``w``, factors ``f``, and highest score and its place, of each ``cell``."""
    place = tl.arange(0, BLOCK)
    wanted = (cell < cells)[:, None] & (place < SIZE * SIZE)[None, :]
    at = cell.to(tl.int64)[:, None] * (SIZE * SIZE) + place[None, :]
    score = tl.load(scores + at, mask=wanted, other=0.0).to(tl.float32)
    score = tl.where(place[None, :] < SIZE * SIZE, score, float('-inf'))
    highest, best = tl.max(score, 1, return_indices=True)
    far_y = (place // SIZE)[None, :] - (best // SIZE)[:, None]
    far_x = (place % SIZE)[None, :] - (best % SIZE)[:, None]
    # divided by the temperature these overflow; whatever it is, only the highest score counts among such numbers
    cold = tl.where(tl.abs(highest) > largest, 1.0, coldness)
    factor = tl.exp(-(far_y * far_y + far_x * far_x).to(tl.float32) * sharpness) * cold[:, None]
    power = score * factor
    power = tl.where(place[None, :] < SIZE * SIZE, power, float('-inf'))
    weight = tl.exp(power - tl.max(power, 1)[:, None])
    return score, wanted, weight / tl.sum(weight, 1)[:, None], factor, highest, best


@triton.jit
def _forward_kernel(
    scores, displacement, confidence, cells, area, sharpness, coldness, largest,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    cell, place = tl.program_id(0) * CELLS + tl.arange(0, CELLS), tl.arange(0, BLOCK)
    score, _, weight, _, highest, _ = _weigh(scores, cell, cells, sharpness, coldness, largest, SIZE, BLOCK)
    undefined = tl.max((score != score).to(tl.int32), 1) > 0  # a maximum passes over NaN
    highest = tl.where(undefined, float('nan'), highest)
    exists = cell < cells
    target = displacement + (cell // area).to(tl.int64) * (2 * area) + cell % area
    mean_x = tl.sum(weight * (place % SIZE - SIZE // 2)[None, :], 1)
    mean_y = tl.sum(weight * (place // SIZE - SIZE // 2)[None, :], 1)
    tl.store(target, mean_x.to(displacement.dtype.element_ty), mask=exists)
    tl.store(target + area, mean_y.to(displacement.dtype.element_ty), mask=exists)
    tl.store(confidence + cell, highest.to(confidence.dtype.element_ty), mask=exists)


@triton.jit
def _backward_kernel(
    scores, grad_displacement, grad_confidence, out, cells, area, sharpness, coldness, largest,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    cell, place = tl.program_id(0) * CELLS + tl.arange(0, CELLS), tl.arange(0, BLOCK)
    _, wanted, weight, factor, _, best = _weigh(scores, cell, cells, sharpness, coldness, largest, SIZE, BLOCK)
    source = grad_displacement + (cell // area).to(tl.int64) * (2 * area) + cell % area
    grad_x = tl.load(source, mask=cell < cells, other=0.0).to(tl.float32)
    grad_y = tl.load(source + area, mask=cell < cells, other=0.0).to(tl.float32)
    grad_highest = tl.load(grad_confidence + cell, mask=cell < cells, other=0.0).to(tl.float32)
    along = grad_x[:, None] * (place % SIZE)[None, :] + grad_y[:, None] * (place // SIZE)[None, :]
    slope = weight * factor * (along - tl.sum(weight * along, 1)[:, None])
    slope += tl.where(place[None, :] == best[:, None], grad_highest[:, None], 0.0)
    at = cell.to(tl.int64)[:, None] * (SIZE * SIZE) + place[None, :]
    tl.store(out + at, slope.to(out.dtype.element_ty), mask=wanted)


def plan_blocks(size: int) -> dict[str, int]:
    """Return the constants of both kernels for P = ``size``."""
    block = triton.next_power_of_2(size * size)
    return dict(SIZE=size, BLOCK=block, CELLS=max(1, _SCORES // block))


def _launch(kernel, scores: Tensor, maps: tuple[Tensor, ...], sigma: float | None, temperature: float) -> None:
    count, height, width, size, _ = scores.shape
    cells, constants = count * height * width, plan_blocks(size)
    if not cells:
        return
    sharpness = 0.0 if sigma is None else 0.5 / sigma**2
    kernel[(triton.cdiv(cells, constants['CELLS']),)](
        scores, *maps, cells, height * width, sharpness, 1 / temperature, _MOST * min(temperature, 1.0),
        **constants, **OPTIONS,
    )  # fmt: skip


def soft_argmax(scores: Tensor, sigma: float | None, temperature: float) -> tuple[Tensor, Tensor]:
    """Map contiguous scores ``(N, H, W, P, P)`` to displacement ``(N, 2, H, W)``, (x, y), and confidence."""
    displacement, confidence = (scores.new_empty(len(scores), channels, *scores.shape[1:3]) for channels in (2, 1))
    _launch(_forward_kernel, scores, (displacement, confidence), sigma, temperature)
    return displacement, confidence


def soft_argmax_backward(
    grads: tuple[Tensor, Tensor], scores: Tensor, sigma: float | None, temperature: float
) -> Tensor:
    """Return the gradient of the scores, given those of the results of :func:`soft_argmax`."""
    out = torch.empty_like(scores)
    _launch(_backward_kernel, scores, (grads[0].contiguous(), grads[1].contiguous(), out), sigma, temperature)
    return out
