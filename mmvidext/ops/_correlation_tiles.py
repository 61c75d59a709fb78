"""Local correlation as matrix products over tiles of the image.

A tile of the first map, ``By`` rows by ``Bx`` columns, needs a window of ``(By + 2d) x (Bx + 2d)`` cells of the second
one. One matrix product gives all dot products between tile and window::

    scores (By*Bx, wy*wx) = tile (By*Bx, C) @ window (C, wy*wx)

and the wanted ones, at displacement (dy, dx) of tile cell (y, x), lie at row ``y*Bx + x`` and column ``(y+dy)*wx +
(x+dx)``: fixed steps in each of the four indices, so they are a strided view of ``scores``. All tiles of a column of
the image are one batched product, whose windows overlap in memory instead of being copied. Samples go one by one
through the same small buffers, which stay in the processor's cache.

The backward pass writes the incoming gradient through that same view (the rest of the buffer is and stays zero) and
takes two products: with the windows for the first map, and with the tiles, added up where windows overlap, for the
second.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['correlate', 'correlate_backward']


@dataclass(frozen=True)
class _Tiling:
    """Sizes of one image's tiles, in cells."""

    height: int
    width: int
    radius: int

    @property
    def rows(self) -> int:
        """By: two rows share most of their windows; more only add products that nobody asked for."""
        return 2 if self.height % 2 == 0 else 1

    @property
    def columns(self) -> int:
        """Bx: about the diameter, the width split evenly."""
        count = max(1, round(self.width / max(2 * self.radius, 14)))
        return -(-self.width // count)

    @property
    def grid(self) -> tuple[int, int]:
        """Number of tiles, vertically and horizontally."""
        return self.height // self.rows, -(-self.width // self.columns)

    @property
    def window(self) -> tuple[int, int]:
        """Wy, wx."""
        return self.rows + 2 * self.radius, self.columns + 2 * self.radius


class _Workspace:
    """The buffers that every sample passes through, and the views of them that the products take."""

    def __init__(self, like: Tensor, tiling: _Tiling) -> None:
        self.tiling = tiling
        channels, radius = like.shape[1], tiling.radius
        dtype = torch.float32 if like.dtype in (torch.float16, torch.bfloat16) else like.dtype
        (ny, nx), (wy, wx), by, bx = tiling.grid, tiling.window, tiling.rows, tiling.columns
        tile, window, size = by * bx, wy * wx, 2 * radius + 1
        padded_height = tiling.height + 2 * radius

        self.windows = like.new_zeros(nx, channels, padded_height, wx, dtype=dtype)  # zero outside of the image
        self.tiles = like.new_zeros(nx, ny, channels, by, bx, dtype=dtype)
        self.scores = like.new_zeros(ny, tile, window, dtype=dtype)

        # (nx, ny, C, wy*wx): the windows of one column of tiles start By rows apart and overlap in memory
        self.window_matrices = self.windows.as_strided(
            (nx, ny, channels, window), (channels * padded_height * wx, by * wx, padded_height * wx, 1)
        )
        self.tile_matrices = self.tiles.flatten(3)  # (nx, ny, C, By*Bx)
        # (ny, By, Bx, P, P): the dot products that are asked for
        self.band = self.scores.as_strided(
            (ny, by, bx, size, size), (tile * window, bx * window + wx, window + 1, wx, 1)
        )

    def load(self, feat1: Tensor, feat2: Tensor) -> None:
        """Lay out one sample, ``(C, H, W)`` twice."""
        tiling = self.tiling
        (ny, nx), bx = tiling.grid, tiling.columns
        if nx * bx != tiling.width:
            feat1 = F.pad(feat1, (0, nx * bx - tiling.width))
        self.tiles.copy_(feat1.unflatten(1, (ny, tiling.rows)).unflatten(3, (nx, bx)).permute(3, 1, 0, 2, 4))
        for index, window in enumerate(self.windows):
            left = index * bx - tiling.radius
            start, stop = max(left, 0), min(left + tiling.window[1], tiling.width)
            rows = slice(tiling.radius, tiling.radius + tiling.height)
            window[:, rows, start - left : stop - left] = feat2[:, :, start:stop]

    def columns(self, out: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield each column of tiles: its index, its part of ``out (H, W, P, P)``, the band cut to the same width."""
        rows = out.unflatten(0, (self.tiling.grid[0], self.tiling.rows))  # (ny, By, W, P, P)
        for index, part in enumerate(rows.split(self.tiling.columns, dim=2)):
            yield index, part, self.band[:, :, : part.shape[2]]


def _phases(dilation: int) -> Iterator[tuple[slice, slice]]:
    """Yield the subgrids of the image that displacements in steps of ``dilation`` never leave."""
    for row in range(dilation):
        for column in range(dilation):
            yield slice(row, None, dilation), slice(column, None, dilation)


def _samples(
    feat1: Tensor, max_displacement: int, dilation: int
) -> Iterator[tuple[_Workspace, Iterator[tuple[int, slice, slice]]]]:
    """Yield a workspace for each phase, and the indices ``(n, rows, columns)`` of the samples that go through it."""
    for rows, columns in _phases(dilation):
        height, width = feat1[:, :, rows, columns].shape[2:]
        if feat1.shape[0] and height and width:
            workspace = _Workspace(feat1, _Tiling(height, width, max_displacement))
            yield workspace, ((n, rows, columns) for n in range(feat1.shape[0]))


def correlate(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int) -> Tensor:
    """Compute :func:`mmvidext.ops.local_correlation` of ``(N, C, H, W)`` twice.

    Returns:
        ``(N, H, W, P, P)``: the scores of one cell lie together, which is how they are computed, how a softmax over
        them reads them, and what channels_last is once P and P are flattened.
    """
    (count, _, height, width), size = feat1.shape, 2 * max_displacement + 1
    out = feat1.new_empty(count, height, width, size, size)
    for workspace, samples in _samples(feat1, max_displacement, dilation):
        for n, rows, columns in samples:
            workspace.load(feat1[n, :, rows, columns], feat2[n, :, rows, columns])
            for index, part, band in workspace.columns(out[n, rows, columns]):
                torch.bmm(
                    workspace.tile_matrices[index].transpose(1, 2),
                    workspace.window_matrices[index],
                    out=workspace.scores,
                )
                part.copy_(band)
    return out


def correlate_backward(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of both maps, given ``grad (N, H, W, P, P)``."""
    grad1, grad2 = torch.zeros_like(feat1), torch.zeros_like(feat2)
    for workspace, samples in _samples(feat1, max_displacement, dilation):
        for n, rows, columns in samples:
            workspace.load(feat1[n, :, rows, columns], feat2[n, :, rows, columns])
            target1, target2 = _sample_gradients(workspace, grad[n, rows, columns])
            grad1[n, :, rows, columns] = target1
            grad2[n, :, rows, columns] = target2
    return grad1, grad2


def _sample_gradients(workspace: _Workspace, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of one loaded sample, ``(C, H, W)`` twice, given ``grad (H, W, P, P)``."""
    tiling, scores = workspace.tiling, workspace.scores
    (ny, nx), (wy, wx), by, bx, radius = tiling.grid, tiling.window, tiling.rows, tiling.columns, tiling.radius
    channels = workspace.tiles.shape[2]
    grad_tiles = torch.empty_like(workspace.tile_matrices)
    grad_padded = grad_tiles.new_zeros(channels, tiling.height + 2 * radius, nx * bx + 2 * radius)
    overlap = wy // by  # By is 1 or 2, so it divides
    for index, part, band in workspace.columns(grad):
        workspace.band[:, :, part.shape[2] :] = 0  # a narrower last column leaves what the one before it wrote
        band.copy_(part)
        torch.bmm(workspace.window_matrices[index], scores.transpose(1, 2), out=grad_tiles[index])
        # windows of neighbouring tiles overlap: add up By rows of each at a time
        grad_rows = scores.new_zeros(ny + overlap - 1, channels, by * wx)
        for step in range(overlap):
            block = scores[:, :, step * by * wx : (step + 1) * by * wx]
            grad_rows[step : step + ny].baddbmm_(workspace.tile_matrices[index], block)
        columns = slice(index * bx, index * bx + wx)
        grad_padded[:, :, columns] += grad_rows.unflatten(2, (by, wx)).transpose(0, 1).flatten(1, 2)
    grad1 = grad_tiles.unflatten(3, (by, bx)).permute(2, 1, 3, 0, 4).reshape(channels, tiling.height, nx * bx)
    grad2 = grad_padded[:, radius : radius + tiling.height, radius : radius + tiling.width]
    return grad1[:, :, : tiling.width], grad2
