"""Local correlation in Triton: one launch forward, one for the gradient of each map, whatever the batch.

A program owns a tile of cells of the first map that are ``dilation`` apart, so that displacements are dense inside it.
For each row of the tile's window it forms one matrix product ``(cells, C) @ (C, columns)``, in which the scores that
are asked for form a band. The gradients are gathered through the same band, without atomic additions: they are
deterministic. Sums are formed in float32.

Importing this module needs Triton; :mod:`mmvidext.ops.backends` imports it when it is asked for.
"""

# mypy: disable-error-code="no-untyped-def"
import os
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ['FORWARD_SIZES', 'GRADIENT_SIZES', 'OPTIONS', 'TilePlan', 'correlate', 'correlate_backward', 'plan_tiles']

# Triton's interpreter multiplies the bit patterns of bfloat16 numbers
_INTERPRETED = os.environ.get('TRITON_INTERPRET') == '1'
OPTIONS = {'num_warps': 4}
# cells of a tile and channels of a block: the fastest on an H100; beside the fastest, without spilled registers
FORWARD_SIZES, GRADIENT_SIZES = (32, 32), (32, 16)


@triton.jit
def _multiply(left, right, total, UPCAST: tl.constexpr, PRECISION: tl.constexpr):
    if UPCAST:
        left, right = left.to(tl.float32), right.to(tl.float32)
    return tl.dot(left, right, total, input_precision=PRECISION)


@triton.jit
def _tile_origin(index, tiles_x, DILATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return phase and first cell of a tile, vertically and horizontally; cells count within the phase."""
    horizontal, vertical = index % (DILATION * tiles_x), index // (DILATION * tiles_x)
    top, left = vertical // DILATION * ROWS, horizontal // DILATION * COLUMNS
    return vertical % DILATION, top, horizontal % DILATION, left


@triton.jit
def _forward_kernel(
    first, second, out, channels, height, width, tiles_x,
    first_n, first_c, first_y, first_x, second_n, second_c, second_y, second_x,
    RADIUS: tl.constexpr, DILATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr,
    BLOCK: tl.constexpr, UPCAST: tl.constexpr,
):  # fmt: skip
    SIZE: tl.constexpr = 2 * RADIUS + 1
    n = tl.program_id(1).to(tl.int64)
    phase_y, top, phase_x, left = _tile_origin(tl.program_id(0), tiles_x, DILATION, ROWS, COLUMNS)
    cell, c = tl.arange(0, ROWS * COLUMNS), tl.arange(0, BLOCK)
    column = tl.arange(0, WINDOW)
    row_of, column_of = cell // COLUMNS, cell % COLUMNS
    y, x = phase_y + DILATION * (top + row_of), phase_x + DILATION * (left + column_of)
    exists = (y < height) & (x < width)
    window_x = phase_x + DILATION * (left + column - RADIUS)
    cells = first + n * first_n + (y * first_y + x * first_x)[:, None]
    dx = column[None, :] - column_of[:, None]
    target = out + ((n * height + y[:, None]) * width + x[:, None]) * (SIZE * SIZE) + dx
    for step in range(ROWS + 2 * RADIUS):
        window_y = phase_y + DILATION * (top + step - RADIUS)
        inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
        window = second + n * second_n + window_y * second_y + (window_x * second_x)[None, :]
        scores = tl.zeros((ROWS * COLUMNS, WINDOW), tl.float32)
        for start in range(0, channels, BLOCK):
            some = start + c < channels
            own = tl.load(cells + (start + c)[None, :] * first_c, mask=exists[:, None] & some[None, :], other=0.0)
            other = tl.load(window + (start + c)[:, None] * second_c, mask=inside[None, :] & some[:, None], other=0.0)
            scores = _multiply(own, other, scores, UPCAST, 'ieee')
        scores = tl.where(inside[None, :], scores, 0.0)  # zero times infinity would be NaN
        dy = step - row_of
        wanted = (exists & (dy >= 0) & (dy < SIZE))[:, None] & (dx >= 0) & (dx < SIZE)
        tl.store(target + (dy * SIZE)[:, None], scores.to(out.dtype.element_ty), mask=wanted)


@triton.jit
def _sum_displacements(
    grad, other, n, c, y, x, channels, height, width, other_c, other_y, other_x,
    RADIUS: tl.constexpr, DILATION: tl.constexpr, CELLS: tl.constexpr, BLOCK: tl.constexpr, SECOND: tl.constexpr,
):  # fmt: skip
    """Gradient of the cells (y, x) as it is defined: slow, but what is not finite stays where it belongs."""
    SIZE: tl.constexpr = 2 * RADIUS + 1
    total = tl.zeros((CELLS, BLOCK), tl.float32)
    for displacement in range(SIZE * SIZE):
        dy, dx = DILATION * (displacement // SIZE - RADIUS), DILATION * (displacement % SIZE - RADIUS)
        there_y, there_x = (y - dy, x - dx) if SECOND else (y + dy, x + dx)
        exists = (y < height) & (x < width) & (there_y >= 0) & (there_y < height) & (there_x >= 0) & (there_x < width)
        place = (n * height + there_y) * width + there_x if SECOND else (n * height + y) * width + x
        score = tl.load(grad + place * (SIZE * SIZE) + displacement, mask=exists, other=0.0)
        cells = other + (there_y * other_y + there_x * other_x)[:, None] + (c * other_c)[None, :]
        values = tl.load(cells, mask=exists[:, None] & (c < channels)[None, :], other=0.0)
        total += score.to(tl.float32)[:, None] * values.to(tl.float32)
    return total


@triton.jit
def _gradient_kernel(
    grad, other, out, channels, height, width, tiles_x, blocks,
    out_n, out_c, out_y, out_x, other_n, other_c, other_y, other_x,
    RADIUS: tl.constexpr, DILATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr,
    BLOCK: tl.constexpr, UPCAST: tl.constexpr, SECOND: tl.constexpr,
):  # fmt: skip
    """Gradient of the first map, ``other`` the second one; where SECOND the other way round, displacements reversed.

    Zero times infinity is NaN, so that one infinity spreads over a product of a tile. A tile that is not all finite is
    formed again, one displacement after the other.
    """
    SIZE: tl.constexpr = 2 * RADIUS + 1
    n = tl.program_id(1).to(tl.int64)
    block, tile = tl.program_id(0) % blocks, tl.program_id(0) // blocks
    phase_y, top, phase_x, left = _tile_origin(tile, tiles_x, DILATION, ROWS, COLUMNS)
    cell, c = tl.arange(0, ROWS * COLUMNS), block * BLOCK + tl.arange(0, BLOCK)
    column = tl.arange(0, WINDOW)
    row_of, column_of = cell // COLUMNS, cell % COLUMNS
    y, x = phase_y + DILATION * (top + row_of), phase_x + DILATION * (left + column_of)
    exists = (y < height) & (x < width)
    window_x = phase_x + DILATION * (left + column - RADIUS)
    dx = column[None, :] - column_of[:, None]
    if SECOND:
        dx = 2 * RADIUS - dx
    total = tl.zeros((ROWS * COLUMNS, BLOCK), tl.float32)
    for step in range(ROWS + 2 * RADIUS):
        window_y = phase_y + DILATION * (top + step - RADIUS)
        inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
        dy = step - row_of
        if SECOND:
            dy = 2 * RADIUS - dy
            place = (n * height + window_y) * width + window_x[None, :]
        else:
            place = ((n * height + y) * width + x)[:, None]
        wanted = (exists & (dy >= 0) & (dy < SIZE))[:, None] & (dx >= 0) & (dx < SIZE) & inside[None, :]
        band = tl.load(grad + place * (SIZE * SIZE) + (dy * SIZE)[:, None] + dx, mask=wanted, other=0.0)
        window = other + n * other_n + window_y * other_y + (window_x * other_x)[:, None] + (c * other_c)[None, :]
        values = tl.load(window, mask=inside[:, None] & (c < channels)[None, :], other=0.0)
        total = _multiply(band, values, total, UPCAST, 'tf32x3')  # as accurate, and twice as fast here
    if tl.max(tl.max((total - total != 0).to(tl.int32), 1), 0) > 0:
        total = _sum_displacements(
            grad, other + n * other_n, n, c, y, x, channels, height, width, other_c, other_y, other_x,
            RADIUS, DILATION, ROWS * COLUMNS, BLOCK, SECOND,
        )  # fmt: skip
    target = out + n * out_n + (y * out_y + x * out_x)[:, None] + (c * out_c)[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=exists[:, None] & (c < channels)[None, :])


class TilePlan(NamedTuple):
    """How the maps are cut: tiles along x, tiles of a map, blocks of channels, and the constants of the kernels."""

    tiles_x: int
    tiles: int
    blocks: int
    constants: dict[str, Any]


def plan_tiles(shape: torch.Size, radius: int, dilation: int, sizes: tuple[int, int]) -> TilePlan:
    """Choose tiles and blocks of at most ``sizes`` cells and channels, and windows as wide as a power of two."""
    _, channels, height, width = shape
    phase_height, phase_width = -(-height // dilation), -(-width // dilation)
    window = max(32, triton.next_power_of_2(2 * radius + 16))
    columns = 1 << ((window - 2 * radius).bit_length() - 1)
    columns = min(columns, max(16, triton.next_power_of_2(phase_width)))
    rows = max(1, min(sizes[0] // columns, triton.next_power_of_2(phase_height)))
    block = min(sizes[1], max(16, triton.next_power_of_2(channels)))
    tiles_x, tiles_y = -(-phase_width // columns), -(-phase_height // rows)
    constants = dict(
        RADIUS=radius, DILATION=dilation, ROWS=rows, COLUMNS=columns, WINDOW=window, BLOCK=block, UPCAST=_INTERPRETED
    )
    return TilePlan(tiles_x, dilation**2 * tiles_x * tiles_y, -(-channels // block), constants)


def correlate(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Correlate ``(N, C, H, W)`` twice, of any strides, to ``(N, H, W, P, P)``."""
    count, channels, height, width = feat1.shape
    size = 2 * max_displacement + 1
    out = feat1.new_empty(count, height, width, size, size)
    if not out.numel():
        return out
    plan = plan_tiles(feat1.shape, max_displacement, dilation, FORWARD_SIZES)
    _forward_kernel[(plan.tiles, count)](
        feat1, feat2, out, channels, height, width, plan.tiles_x, *feat1.stride(), *feat2.stride(),
        **plan.constants, **OPTIONS,
    )  # fmt: skip
    return out


def correlate_backward(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of both maps, given ``grad (N, H, W, P, P)``."""
    count, channels, height, width = feat1.shape
    grad1, grad2 = torch.empty_like(feat1), torch.empty_like(feat2)
    if not feat1.numel():
        return grad1, grad2
    grad = grad.contiguous()
    plan = plan_tiles(feat1.shape, max_displacement, dilation, GRADIENT_SIZES)
    for out, other, second in ((grad1, feat2, False), (grad2, feat1, True)):
        _gradient_kernel[(plan.tiles * plan.blocks, count)](
            grad, other, out, channels, height, width, plan.tiles_x, plan.blocks, *out.stride(), *other.stride(),
            **plan.constants, SECOND=second, **OPTIONS,
        )  # fmt: skip
    return grad1, grad2
