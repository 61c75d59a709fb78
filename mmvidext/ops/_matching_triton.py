"""Correlation, ReLU and kernel-soft-argmax in one Triton kernel each way: the scores never reach memory.

A program owns a tile of cells. Forward it walks over the tile's window twice: once for the highest score of each cell,
once for the weights around it. Behind a ReLU no score is negative and the Gaussian is at most 1, so the highest score
is also the highest exponent of the softmax. Backward it forms the scores again, for the cells of its frame as the first
one of a pair and as the second one, and gathers both gradients: no atomic additions.
"""

# mypy: disable-error-code="no-untyped-def"
import torch
import triton
import triton.language as tl
from torch import Tensor

from mmvidext.ops._correlation_triton import plan_tiles

__all__ = ['OPTIONS', 'match', 'match_backward']

OPTIONS = {'num_warps': 8, 'num_stages': 2}  # a third stage spills registers on sm_80


@triton.jit
def _scores(own, frame, window_y, window_x, c, channels, height, width, stride_c, stride_y, stride_x):
    """Return the products of cells ``own (cells, C)`` with one row of the window, and its values ``(window, C)``."""
    inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
    places = frame + window_y * stride_y + (window_x * stride_x)[:, None] + (c * stride_c)[None, :]
    values = tl.load(places, mask=inside[:, None] & (c < channels)[None, :], other=0.0)
    return tl.dot(own, tl.trans(values), input_precision='ieee'), values


@triton.jit
def _own_cells(
    frame, tile, tiles_x, c, channels, height, width, stride_c, stride_y, stride_x,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Return the first row and column of a tile, and row, column, existence and values ``(cells, C)`` of its cells."""
    cell = tl.arange(0, ROWS * COLUMNS)
    top, left = tile // tiles_x * ROWS, tile % tiles_x * COLUMNS
    y, x = top + cell // COLUMNS, left + cell % COLUMNS
    exists = (y < height) & (x < width)
    places = frame + (y * stride_y + x * stride_x)[:, None] + (c * stride_c)[None, :]
    values = tl.load(places, mask=exists[:, None] & (c < channels)[None, :], other=0.0)
    return top, left, y, x, exists, values


@triton.jit
def _row_of_window(
    own, frame, step, top, left, c, channels, height, width, stride_c, stride_y, stride_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr,
):  # fmt: skip
    """Return the scores behind the ReLU of one row of the window, which are displacements, and dy and dx from 0 on."""
    cell, column = tl.arange(0, ROWS * COLUMNS), tl.arange(0, WINDOW)
    scores, _ = _scores(
        own, frame, top + step - RADIUS, left + column - RADIUS, c, channels, height, width,
        stride_c, stride_y, stride_x,
    )  # fmt: skip
    dy, dx = step - cell // COLUMNS, column[None, :] - (cell % COLUMNS)[:, None]
    wanted = ((dy >= 0) & (dy <= 2 * RADIUS))[:, None] & (dx >= 0) & (dx <= 2 * RADIUS)
    return tl.maximum(scores, 0.0), wanted, dy, dx


@triton.jit
def _highest_scores(
    own, frame, top, left, c, channels, height, width, stride_c, stride_y, stride_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr,
):  # fmt: skip
    """Return the highest score of each cell, and its displacement as ``dy * (2 * RADIUS + 1) + dx``."""
    column_of = tl.arange(0, ROWS * COLUMNS) % COLUMNS
    highest = tl.full((ROWS * COLUMNS,), -1.0, tl.float32)
    place = tl.zeros((ROWS * COLUMNS,), tl.int32)
    for step in range(ROWS + 2 * RADIUS):
        scores, wanted, dy, _ = _row_of_window(
            own, frame, step, top, left, c, channels, height, width, stride_c, stride_y, stride_x,
            RADIUS, ROWS, COLUMNS, WINDOW,
        )  # fmt: skip
        row_highest, column = tl.max(tl.where(wanted, scores, -1.0), 1, return_indices=True)
        higher = row_highest > highest
        place = tl.where(higher, dy * (2 * RADIUS + 1) + column - column_of, place)
        highest = tl.where(higher, row_highest, highest)
    return highest, place


@triton.jit
def _forward_kernel(
    frames, motion, best, total, channels, height, width, tiles_x, segments, sharpness, coldness,
    stride_n, stride_c, stride_y, stride_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    SIZE: tl.constexpr = 2 * RADIUS + 1
    pair, c, area = tl.program_id(1).to(tl.int64), tl.arange(0, CHANNELS), height * width
    frame = frames + (pair // (segments - 1) * segments + pair % (segments - 1)) * stride_n
    top, left, y, x, exists, own = _own_cells(
        frame, tl.program_id(0), tiles_x, c, channels, height, width, stride_c, stride_y, stride_x, ROWS, COLUMNS
    )
    highest, place = _highest_scores(
        own, frame + stride_n, top, left, c, channels, height, width, stride_c, stride_y, stride_x,
        RADIUS, ROWS, COLUMNS, WINDOW,
    )  # fmt: skip
    weight, sum_x, sum_y = tl.zeros_like(highest), tl.zeros_like(highest), tl.zeros_like(highest)
    for step in range(ROWS + 2 * RADIUS):
        scores, wanted, dy, dx = _row_of_window(
            own, frame + stride_n, step, top, left, c, channels, height, width, stride_c, stride_y, stride_x,
            RADIUS, ROWS, COLUMNS, WINDOW,
        )  # fmt: skip
        far_y, far_x = (dy - place // SIZE)[:, None], dx - (place % SIZE)[:, None]
        factor = tl.exp(-(far_y * far_y + far_x * far_x).to(tl.float32) * sharpness) * coldness
        powers = tl.where(wanted, tl.exp(scores * factor - (highest * coldness)[:, None]), 0.0)
        weight += tl.sum(powers, 1)
        sum_x += tl.sum(powers * (dx - RADIUS), 1)
        sum_y += tl.sum(powers, 1) * (dy - RADIUS)
    at = pair * area + y * width + x
    tl.store(motion + 2 * pair * area + at, sum_x / weight, mask=exists)
    tl.store(motion + (2 * pair + 1) * area + at, sum_y / weight, mask=exists)
    tl.store(motion + (2 * pair + 2) * area + at, highest, mask=exists)
    tl.store(best + at, place, mask=exists)
    tl.store(total + at, weight, mask=exists)


@triton.jit
def _slopes(
    scores, dy, dx, wanted, at, exists, motion, best, total, grad, area, sharpness, coldness, RADIUS: tl.constexpr
):
    """Return the gradient of the scores. ``at`` are the cells they belong to, ``dy`` and ``dx`` count from the center.

    ``motion``, ``grad``, ``best`` and ``total`` point to the pair; ``at`` broadcasts to the scores.
    """
    SIZE: tl.constexpr = 2 * RADIUS + 1
    mean_x = tl.load(motion + at, mask=exists, other=0.0)
    mean_y = tl.load(motion + area + at, mask=exists, other=0.0)
    highest = tl.load(motion + 2 * area + at, mask=exists, other=0.0)
    grad_x = tl.load(grad + at, mask=exists, other=0.0)
    grad_y = tl.load(grad + area + at, mask=exists, other=0.0)
    grad_highest = tl.load(grad + 2 * area + at, mask=exists, other=0.0)
    place = tl.load(best + at, mask=exists, other=0)
    weight = tl.load(total + at, mask=exists, other=1.0)
    far_y, far_x = dy + RADIUS - place // SIZE, dx + RADIUS - place % SIZE
    factor = tl.exp(-(far_y * far_y + far_x * far_x).to(tl.float32) * sharpness) * coldness
    share = tl.exp(tl.minimum(scores * factor - highest * coldness, 0.0)) / weight
    slopes = share * factor * (grad_x * (dx - mean_x) + grad_y * (dy - mean_y))
    slopes += tl.where((far_y == 0) & (far_x == 0), grad_highest, 0.0)
    return tl.where(wanted & exists & (scores > 0), slopes, 0.0)


@triton.jit
def _backward_kernel(
    frames, motion, best, total, grad, out, channels, height, width, tiles_x, segments, sharpness, coldness,
    stride_n, stride_c, stride_y, stride_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    index, area = tl.program_id(1).to(tl.int64), height * width
    time, c = index % segments, tl.arange(0, CHANNELS)
    cell, column = tl.arange(0, ROWS * COLUMNS), tl.arange(0, WINDOW)
    top, left, y, x, exists, own = _own_cells(
        frames + index * stride_n, tl.program_id(0), tiles_x, c, channels, height, width,
        stride_c, stride_y, stride_x, ROWS, COLUMNS,
    )  # fmt: skip
    window_x = left + column - RADIUS
    dx = column[None, :] - (cell % COLUMNS)[:, None] - RADIUS
    gathered = tl.zeros((ROWS * COLUMNS, CHANNELS), tl.float32)
    for role in tl.static_range(2):  # the frame is the first one of its pair, then the second one
        partner, pair = index + 1 - 2 * role, index - index // segments - role
        steps = tl.where((role == 0) & (time < segments - 1) | (role == 1) & (time > 0), ROWS + 2 * RADIUS, 0)
        for step in range(steps):
            window_y = top + step - RADIUS
            scores, values = _scores(
                own, frames + partner * stride_n, window_y, window_x, c, channels, height, width,
                stride_c, stride_y, stride_x,
            )  # fmt: skip
            dy = (step - cell // COLUMNS - RADIUS)[:, None]
            wanted = exists[:, None] & (dy >= -RADIUS) & (dy <= RADIUS) & (dx >= -RADIUS) & (dx <= RADIUS)
            if role == 0:
                slopes = _slopes(
                    scores, dy, dx, wanted, (y * width + x)[:, None], exists[:, None], motion + pair * 3 * area,
                    best + pair * area, total + pair * area, grad + pair * 3 * area, area, sharpness, coldness, RADIUS,
                )  # fmt: skip
            else:
                inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
                slopes = _slopes(
                    scores, -dy, -dx, wanted, (window_y * width + window_x)[None, :], inside[None, :],
                    motion + pair * 3 * area, best + pair * area, total + pair * area, grad + pair * 3 * area, area,
                    sharpness, coldness, RADIUS,
                )  # fmt: skip
            gathered = tl.dot(slopes, values, gathered, input_precision='ieee')
    target = out + index * stride_n + (y * stride_y + x * stride_x)[:, None] + (c * stride_c)[None, :]
    tl.store(target, gathered, mask=exists[:, None] & (c < channels)[None, :])


def _arguments(frames: Tensor, segments: int, radius: int, sigma: float | None, temperature: float) -> tuple:
    """Return tiles of a frame, what both kernels take behind their pointers, and their constants."""
    _, channels, height, width = frames.shape
    plan = plan_tiles(frames.shape, radius, 1)
    sharpness = 0.0 if sigma is None else 0.5 / sigma**2
    sizes = channels, height, width, plan.tiles_x, segments, sharpness, 1 / temperature, *frames.stride()
    constants = {name: plan.constants[name] for name in ('RADIUS', 'ROWS', 'COLUMNS', 'WINDOW')}
    constants['CHANNELS'] = max(16, triton.next_power_of_2(channels))
    return plan.tiles, sizes, dict(constants, **OPTIONS)


def match(
    frames: Tensor, segments: int, radius: int, sigma: float | None, temperature: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return motion ``(N*(T-1), 3, H, W)``, and place of the best score and sum of weights ``(N*(T-1), H, W)``."""
    count, _, height, width = frames.shape
    pairs = count - count // segments
    motion = frames.new_empty(pairs, 3, height, width)
    best = torch.empty(pairs, height, width, dtype=torch.int32, device=frames.device)
    total = frames.new_empty(pairs, height, width)
    if motion.numel():
        tiles, sizes, constants = _arguments(frames, segments, radius, sigma, temperature)
        _forward_kernel[(tiles, pairs)](frames, motion, best, total, *sizes, **constants)
    return motion, best, total


def match_backward(
    grad: Tensor,
    frames: Tensor,
    matched: tuple[Tensor, Tensor, Tensor],
    segments: int,
    radius: int,
    sigma: float | None,
    temperature: float,
) -> Tensor:
    """Return the gradient of the frames, given that of the motion and what :func:`match` returned."""
    out = torch.empty_strided(frames.shape, frames.stride(), dtype=frames.dtype, device=frames.device)
    if out.numel():
        tiles, sizes, constants = _arguments(frames, segments, radius, sigma, temperature)
        _backward_kernel[(tiles, len(frames))](frames, *matched, grad.contiguous(), out, *sizes, **constants)
    return out
