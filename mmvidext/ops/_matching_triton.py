"""L2 norm, correlation, ReLU and kernel-soft-argmax in one Triton kernel each way: the scores never reach memory.

A program owns a tile of cells. Forward it walks over the tile's window twice, a piece of a row at a time: once for the
highest score of each cell, once for the weights around it. Behind a ReLU no score is negative and the Gaussian is at
most 1, so the highest score is also the highest exponent of the softmax. Backward it forms the scores again, for the
cells of its frame as the first one of a pair and as the second one, and gathers both gradients: no atomic additions.

What is not finite is zero in a product, so that it does not spread over a tile, and NaN again where it belongs. No
maximum decides that: on a GPU the larger one of NaN and a number is the number, in Triton's interpreter it is NaN.
"""

# mypy: disable-error-code="no-untyped-def"
import torch
import triton
import triton.language as tl
from torch import Tensor

from mmvidext.ops._correlation_triton import plan_tiles

__all__ = ['CELLS', 'OPTIONS', 'PIECE', 'backward_options', 'match', 'match_backward']

OPTIONS = {'num_warps': 4, 'num_stages': 1}
CELLS = 64  # of a tile
PIECE = 16  # columns of the window in one product: more spill registers
_PRECISION = tl.constexpr('tf32x3')  # three products in TF32 are as accurate as one in float32


def backward_options(capability: int) -> dict[str, int]:
    """Return how the gradient is compiled for GPUs of a compute capability, 90 for 9.0.

    Four warps take 1.1 ms where eight take 2.0 (H200), but spill registers below 9.0.
    """
    return {'num_warps': 4 if capability >= 90 else 8, 'num_stages': 1}


@triton.jit
def _unit_vectors(places, exists, c, channels, stride_c, eps):
    """Return unit vectors ``(cells, C)``, zeros where one is not defined, 1 / norm, and whether it is not defined."""
    places = places[:, None] + (c * stride_c)[None, :]
    values = tl.load(places, mask=exists[:, None] & (c < channels)[None, :], other=0.0)
    inverse = tl.rsqrt(tl.sum(values * values, 1) + eps)
    units = values * inverse[:, None]
    total = tl.sum(units, 1)  # NaN where one of them is
    undefined = exists & (total != total)
    return tl.where((total == total)[:, None], units, 0.0), inverse, undefined


@triton.jit
def _piece_of_window(piece, WINDOW: tl.constexpr, PIECE: tl.constexpr):
    """Return the row and the columns of a piece of the window, counted from its corner."""
    return piece // (WINDOW // PIECE), piece % (WINDOW // PIECE) * PIECE + tl.arange(0, PIECE)


@triton.jit
def _scores(own, frame, window_y, window_x, c, channels, height, width, stride_c, stride_y, stride_x, eps):
    """Return the scores of cells ``own (cells, C)`` in a piece of the window, and its unit vectors ``(piece, C)``.

    The third result is whether a unit vector of the piece is not defined.
    """
    inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
    places = frame + window_y * stride_y + window_x * stride_x
    units, _, undefined = _unit_vectors(places, inside, c, channels, stride_c, eps)
    return tl.dot(own, tl.trans(units), input_precision=_PRECISION), units, undefined


@triton.jit
def _own_cells(tile, tiles_x, height, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return the first row and column of a tile, and row, column and existence of its cells."""
    cell = tl.arange(0, ROWS * COLUMNS)
    top, left = tile // tiles_x * ROWS, tile % tiles_x * COLUMNS
    y, x = top + cell // COLUMNS, left + cell % COLUMNS
    return top, left, y, x, (y < height) & (x < width)


@triton.jit
def _relu_scores(
    own, frame, piece, top, left, c, channels, height, width, stride_c, stride_y, stride_x, eps,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Return the scores behind the ReLU of a piece of the window, which are displacements, and dy and dx from 0 on.

    Scores are NaN where a unit vector of the piece is not defined.
    """
    cell = tl.arange(0, ROWS * COLUMNS)
    row, column = _piece_of_window(piece, WINDOW, PIECE)
    scores, _, undefined = _scores(
        own, frame, top + row - RADIUS, left + column - RADIUS, c, channels, height, width,
        stride_c, stride_y, stride_x, eps,
    )  # fmt: skip
    scores = tl.where(undefined[None, :], float('nan'), tl.where(scores < 0.0, 0.0, scores))
    dy, dx = row - cell // COLUMNS, column[None, :] - (cell % COLUMNS)[:, None]
    wanted = ((dy >= 0) & (dy <= 2 * RADIUS))[:, None] & (dx >= 0) & (dx <= 2 * RADIUS)
    return scores, wanted, dy, dx


@triton.jit
def _highest_scores(
    own, frame, top, left, c, channels, height, width, stride_c, stride_y, stride_x, eps,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Return the highest score of each cell, NaN aside, and its displacement as ``dy * (2 * RADIUS + 1) + dx``."""
    column_of = tl.arange(0, ROWS * COLUMNS) % COLUMNS
    highest = tl.full((ROWS * COLUMNS,), -1.0, tl.float32)
    place = tl.zeros((ROWS * COLUMNS,), tl.int32)
    for piece in range((ROWS + 2 * RADIUS) * (WINDOW // PIECE)):
        scores, wanted, dy, _ = _relu_scores(
            own, frame, piece, top, left, c, channels, height, width, stride_c, stride_y, stride_x, eps,
            RADIUS, ROWS, COLUMNS, WINDOW, PIECE,
        )  # fmt: skip
        piece_highest, column = tl.max(tl.where(wanted & (scores >= 0.0), scores, -1.0), 1, return_indices=True)
        higher = piece_highest > highest
        dx = piece % (WINDOW // PIECE) * PIECE + column - column_of
        place = tl.where(higher, dy * (2 * RADIUS + 1) + dx, place)
        highest = tl.where(higher, piece_highest, highest)
    return highest, place


@triton.jit
def _forward_kernel(
    frames, motion, best, total, channels, height, width, tiles_x, segments, sharpness, coldness, eps,
    stride_n, stride_c, stride_y, stride_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, PIECE: tl.constexpr,
    CHANNELS: tl.constexpr,
):  # fmt: skip
    SIZE: tl.constexpr = 2 * RADIUS + 1
    pair, c, area = tl.program_id(1).to(tl.int64), tl.arange(0, CHANNELS), height * width
    frame = frames + (pair // (segments - 1) * segments + pair % (segments - 1)) * stride_n
    top, left, y, x, exists = _own_cells(tl.program_id(0), tiles_x, height, width, ROWS, COLUMNS)
    own, _, undefined = _unit_vectors(frame + y * stride_y + x * stride_x, exists, c, channels, stride_c, eps)
    highest, place = _highest_scores(
        own, frame + stride_n, top, left, c, channels, height, width, stride_c, stride_y, stride_x, eps,
        RADIUS, ROWS, COLUMNS, WINDOW, PIECE,
    )  # fmt: skip
    weight, sum_x, sum_y = tl.where(undefined, float('nan'), 0.0), tl.zeros_like(highest), tl.zeros_like(highest)
    for piece in range((ROWS + 2 * RADIUS) * (WINDOW // PIECE)):
        scores, wanted, dy, dx = _relu_scores(
            own, frame + stride_n, piece, top, left, c, channels, height, width, stride_c, stride_y, stride_x, eps,
            RADIUS, ROWS, COLUMNS, WINDOW, PIECE,
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
    tl.store(motion + (2 * pair + 2) * area + at, tl.where(weight == weight, highest, weight), mask=exists)
    tl.store(best + at, place, mask=exists)
    tl.store(total + at, weight, mask=exists)


@triton.jit
def _slopes(
    scores, dy, dx, wanted, at, exists, motion, best, total, grad, area, sharpness, coldness, RADIUS: tl.constexpr
):
    """Return the gradient of the scores, zero where it is not finite, and whether one of a cell is not.

    ``at`` are the cells that the scores belong to, and broadcasts to them; ``dy`` and ``dx`` count from the center.
    ``motion``, ``grad``, ``best`` and ``total`` point to the pair.
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
    distance = far_y * far_y + far_x * far_x
    factor = tl.exp(-distance.to(tl.float32) * sharpness) * coldness
    share = tl.exp(tl.minimum(scores * factor - highest * coldness, 0.0)) / weight
    slopes = share * factor * (grad_x * (dx - mean_x) + grad_y * (dy - mean_y))
    slopes += tl.where(distance == 0, grad_highest, 0.0)
    lost = wanted & exists & (slopes - slopes != 0.0)
    return tl.where(wanted & exists & (scores > 0.0) & ~lost, slopes, 0.0), tl.max(lost.to(tl.int32), 1)


@triton.jit
def _backward_kernel(
    frames, motion, best, total, grad, out, channels, height, width, tiles_x, segments, sharpness, coldness, eps,
    stride_n, stride_c, stride_y, stride_x, out_n, out_c, out_y, out_x,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WINDOW: tl.constexpr, PIECE: tl.constexpr,
    CHANNELS: tl.constexpr,
):  # fmt: skip
    index, area = tl.program_id(1).to(tl.int64), height * width
    time, c = index % segments, tl.arange(0, CHANNELS)
    cell = tl.arange(0, ROWS * COLUMNS)
    top, left, y, x, exists = _own_cells(tl.program_id(0), tiles_x, height, width, ROWS, COLUMNS)
    places = frames + index * stride_n + y * stride_y + x * stride_x
    own, inverse, _ = _unit_vectors(places, exists, c, channels, stride_c, eps)
    gathered = tl.zeros((ROWS * COLUMNS, CHANNELS), tl.float32)
    lost = tl.zeros((ROWS * COLUMNS,), tl.int32)
    for role in range(2):  # the frame is the first one of its pair, then the second one; unrolled, it spills registers
        paired = (role == 0) & (time < segments - 1) | (role == 1) & (time > 0)
        # where there is no pair, the addresses are those of another one: a compiler may read before a loop of no turns
        partner = tl.where(paired, index + 1 - 2 * role, index)
        pair = tl.where(paired, index - index // segments - role, 0)
        pieces = tl.where(paired, (ROWS + 2 * RADIUS) * (WINDOW // PIECE), 0)
        for piece in range(pieces):
            row, column = _piece_of_window(piece, WINDOW, PIECE)
            window_y, window_x = top + row - RADIUS, left + column - RADIUS
            scores, units, _undefined = _scores(
                own, frames + partner * stride_n, window_y, window_x, c, channels, height, width,
                stride_c, stride_y, stride_x, eps,
            )  # fmt: skip
            dy, dx = (row - cell // COLUMNS - RADIUS)[:, None], column[None, :] - (cell % COLUMNS)[:, None] - RADIUS
            wanted = (tl.abs(dy) <= RADIUS) & (tl.abs(dx) <= RADIUS)
            if role == 0:
                slopes, piece_lost = _slopes(
                    scores, dy, dx, wanted, (y * width + x)[:, None], exists[:, None], motion + pair * 3 * area,
                    best + pair * area, total + pair * area, grad + pair * 3 * area, area, sharpness, coldness, RADIUS,
                )  # fmt: skip
            else:
                inside = (window_x >= 0) & (window_x < width) & (window_y >= 0) & (window_y < height)
                slopes, piece_lost = _slopes(
                    scores, -dy, -dx, wanted, (window_y * width + window_x)[None, :], inside[None, :],
                    motion + pair * 3 * area, best + pair * area, total + pair * area, grad + pair * 3 * area, area,
                    sharpness, coldness, RADIUS,
                )  # fmt: skip
            gathered = tl.dot(slopes, units, gathered, input_precision=_PRECISION)
            lost |= piece_lost
    inverse = tl.where(lost > 0, float('nan'), inverse)
    gathered = (gathered - own * tl.sum(own * gathered, 1)[:, None]) * inverse[:, None]
    target = out + index * out_n + (y * out_y + x * out_x)[:, None] + (c * out_c)[None, :]
    tl.store(target, gathered, mask=exists[:, None] & (c < channels)[None, :])


def _arguments(
    frames: Tensor, segments: int, radius: int, sigma: float | None, temperature: float, eps: float
) -> tuple:
    """Return tiles of a frame, what both kernels take behind their pointers, and their constants."""
    _, channels, height, width = frames.shape
    plan = plan_tiles(frames.shape, radius, 1, (CELLS, channels))
    sharpness = 0.0 if sigma is None else 0.5 / sigma**2
    sizes = channels, height, width, plan.tiles_x, segments, sharpness, 1 / temperature, eps, *frames.stride()
    constants = {name: plan.constants[name] for name in ('RADIUS', 'ROWS', 'COLUMNS', 'WINDOW')}
    constants['PIECE'] = PIECE
    constants['CHANNELS'] = max(16, triton.next_power_of_2(channels))
    return plan.tiles, sizes, constants


def match(
    frames: Tensor, segments: int, radius: int, sigma: float | None, temperature: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return motion ``(N*(T-1), 3, H, W)``, and place of the best score and sum of weights ``(N*(T-1), H, W)``."""
    count, _, height, width = frames.shape
    pairs = count - count // segments
    motion = frames.new_empty(pairs, 3, height, width)
    best = torch.empty(pairs, height, width, dtype=torch.int32, device=frames.device)
    total = frames.new_empty(pairs, height, width)
    if motion.numel():
        tiles, sizes, constants = _arguments(frames, segments, radius, sigma, temperature, eps)
        _forward_kernel[(tiles, pairs)](frames, motion, best, total, *sizes, **constants, **OPTIONS)
    return motion, best, total


def match_backward(
    grad: Tensor,
    frames: Tensor,
    matched: tuple[Tensor, Tensor, Tensor],
    segments: int,
    radius: int,
    sigma: float | None,
    temperature: float,
    eps: float,
) -> Tensor:
    """Return the gradient of the frames, given that of the motion and what :func:`match` returned."""
    out = torch.empty_like(frames)
    if out.numel():
        tiles, sizes, constants = _arguments(frames, segments, radius, sigma, temperature, eps)
        maps = frames, *matched, grad.contiguous(), out
        major, minor = torch.cuda.get_device_capability(frames.device) if frames.is_cuda else (0, 0)
        options = backward_options(10 * major + minor)
        _backward_kernel[(tiles, len(frames))](*maps, *sizes, *out.stride(), **constants, **options)
    return out
