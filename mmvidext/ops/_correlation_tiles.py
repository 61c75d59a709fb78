"""Local correlation as matrix products over tiles of the image.

A tile of the first map, ``By`` rows by ``Bx`` columns, needs a window of ``(By + 2d) x (Bx + 2d)`` cells of the second
one. One matrix product gives all dot products between tile and window::

    scores (By*Bx, wy*wx) = tile (By*Bx, C) @ window (C, wy*wx)

and the wanted ones, at displacement (dy, dx) of tile cell (y, x), lie at row ``y*Bx + x`` and column ``(y+dy)*wx +
(x+dx)``: fixed steps in each of the four indices, so they are a strided view of ``scores``. All tiles of a column of
the image are one batched product, whose windows overlap in memory instead of being copied.

Samples go through the same buffers in groups. Those of a group lie one below the other with ``2d`` rows of zeros in
between, as one tall image: its tiles start at one uniform step, and a column of tiles is one product for all of them.
The tiles between samples are wasted work. Groups of one waste none and stay in a processor's cache; one group of all
samples keeps the number of kernel launches independent of the batch.

The backward pass writes the incoming gradient through the same strided view (the rest of the buffer is and stays zero)
and takes two products: with the windows for the first map, and with the tiles, added up where windows overlap, for the
second.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.precision import accumulation_dtype

__all__ = ['correlate', 'correlate_backward']


@dataclass(frozen=True)
class _Tiling:
    """Sizes of one image's tiles, in cells."""

    height: int
    width: int
    radius: int

    @property
    def rows(self) -> int:
        """By: two rows share most of their windows; more only add products that are not needed."""
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

    @property
    def padded_height(self) -> int:
        """Rows from the start of one sample to the start of the next one."""
        return self.height + 2 * self.radius

    @property
    def pitch(self) -> int:
        """Tiles from the start of one sample to the start of the next one."""
        return self.padded_height // self.rows


class _Workspace:
    """The buffers that every group of samples passes through, and the views of them that the products take."""

    def __init__(self, like: Tensor, tiling: _Tiling, group: int) -> None:
        self.tiling, self.group = tiling, group
        channels, dtype = like.shape[1], accumulation_dtype(like)
        (ny, nx), (wy, wx), by, bx, pitch = tiling.grid, tiling.window, tiling.rows, tiling.columns, tiling.pitch
        tile, window, size = by * bx, wy * wx, 2 * tiling.radius + 1
        column = channels * group * tiling.padded_height * wx
        self.count = (group - 1) * pitch + ny  # tiles of a column, those between samples included

        self.windows = like.new_zeros(nx, channels, group, tiling.padded_height, wx, dtype=dtype)  # zero outside
        self.tiles = like.new_empty(nx, group, pitch, channels, by, bx, dtype=dtype)
        self.tiles[:, :-1, ny:].zero_()  # those between samples; :meth:`load` writes the others
        self.scores = like.new_zeros(self.count, tile, window, dtype=dtype)
        self._tiles_in_image = self.tiles[:, :, :ny]
        self._windows_in_image = list(self._cut_windows())

        # nx of (count, C, wy*wx): the windows of one column of tiles start By rows apart and overlap in memory
        self.window_matrices = self.windows.as_strided(
            (nx, self.count, channels, window), (column, by * wx, column // channels, 1)
        ).unbind()
        self.tile_matrices = self.tiles.flatten(1, 2).flatten(3)[:, : self.count].unbind()  # nx of (count, C, By*Bx)
        # (group, ny, By, Bx, P, P): the dot products that are asked for
        self.band = self.scores.as_strided(
            (group, ny, by, bx, size, size),
            (pitch * tile * window, tile * window, bx * window + wx, window + 1, wx, 1),
        )

    def load(self, feat1: Tensor, feat2: Tensor) -> None:
        """Lay out a group of samples, ``(group, C, H, W)`` twice."""
        tiling = self.tiling
        (ny, nx), bx = tiling.grid, tiling.columns
        if nx * bx != tiling.width:
            feat1 = F.pad(feat1, (0, nx * bx - tiling.width))
        tiles = feat1.unflatten(2, (ny, tiling.rows)).unflatten(4, (nx, bx)).permute(4, 0, 2, 1, 3, 5)
        self._tiles_in_image.copy_(tiles)
        feat2 = feat2.transpose(0, 1)
        for window, start, stop in self._windows_in_image:
            window.copy_(feat2[..., start:stop])

    def _cut_windows(self) -> Iterator[tuple[Tensor, int, int]]:
        """Yield the part of each column's windows that lies in the image, and its first and last column there."""
        tiling = self.tiling
        rows = slice(tiling.radius, tiling.radius + tiling.height)
        for index, window in enumerate(self.windows):
            left = index * tiling.columns - tiling.radius
            start, stop = max(left, 0), min(left + tiling.window[1], tiling.width)
            yield window[:, :, rows, start - left : stop - left], start, stop

    def columns(self, out: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield each column of tiles: index, part of ``out (group, H, W, P, P)``, the band cut to the same width."""
        rows = out.unflatten(1, (self.tiling.grid[0], self.tiling.rows))  # (group, ny, By, W, P, P)
        for index, part in enumerate(rows.split(self.tiling.columns, dim=3)):
            yield index, part, self.band[:, :, :, : part.shape[3]]


def _loaded(
    feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, group: int
) -> Iterator[tuple[_Workspace, tuple[slice, slice, slice, slice]]]:
    """Yield a loaded workspace and the index of what is in it, for each group and each subgrid of the image.

    Displacements in steps of ``dilation`` never leave such a subgrid.
    """
    everything = slice(None)
    for phase in range(dilation**2):
        rows, columns = slice(phase // dilation, None, dilation), slice(phase % dilation, None, dilation)
        height, width = feat1[:, :, rows, columns].shape[2:]
        if not feat1.shape[0] or not height or not width:
            continue
        workspace = _Workspace(feat1, _Tiling(height, width, max_displacement), group)
        for start in range(0, feat1.shape[0], group):
            index = slice(start, start + group), everything, rows, columns
            workspace.load(feat1[index], feat2[index])
            yield workspace, index


def correlate(feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, *, group: int) -> Tensor:
    """Compute :func:`mmvidext.ops.local_correlation` of ``(N, C, H, W)`` twice.

    Args:
        feat1: First map.
        feat2: Second map.
        max_displacement: d, in steps of ``dilation`` cells.
        dilation: Cells between neighboring displacements.
        group: Samples at once, a divisor of N.

    Returns:
        ``(N, H, W, P, P)``: the scores of one cell lie together, which is how they are computed, how a softmax over
        them reads them, and what channels_last is once P and P are flattened.
    """
    (count, _, height, width), size = feat1.shape, 2 * max_displacement + 1
    out = feat1.new_empty(count, height, width, size, size)
    for workspace, (samples, _, rows, columns) in _loaded(feat1, feat2, max_displacement, dilation, group):
        for index, part, band in workspace.columns(out[samples, rows, columns]):
            torch.bmm(
                workspace.tile_matrices[index].transpose(1, 2), workspace.window_matrices[index], out=workspace.scores
            )
            part.copy_(band)
    return out


def correlate_backward(
    grad: Tensor, feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, *, group: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of both maps, given ``grad (N, H, W, P, P)``; arguments as in :func:`correlate`."""
    grad1, grad2 = torch.empty_like(feat1), torch.empty_like(feat2)
    for workspace, place in _loaded(feat1, feat2, max_displacement, dilation, group):
        samples, _, rows, columns = place
        grad1[place], grad2[place] = _group_gradients(workspace, grad[samples, rows, columns])
    return grad1, grad2


def _group_gradients(workspace: _Workspace, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of a loaded group, ``(group, C, H, W)`` twice, given ``grad (group, H, W, P, P)``."""
    tiling, scores, group = workspace.tiling, workspace.scores, workspace.group
    (ny, nx), (wy, wx), by, bx, pitch = tiling.grid, tiling.window, tiling.rows, tiling.columns, tiling.pitch
    channels, radius, count = workspace.tiles.shape[3], tiling.radius, workspace.count
    grad_tiles = scores.new_empty(nx, group * pitch, channels, by * bx)
    grad_padded = scores.new_zeros(group, channels, tiling.padded_height, nx * bx + 2 * radius)
    for index, part, band in workspace.columns(grad):
        if part.shape[3] < bx:  # a narrower last column: clear what the one before it wrote
            workspace.band[:, :, :, part.shape[3] :] = 0
        band.copy_(part)
        torch.bmm(workspace.window_matrices[index], scores.transpose(1, 2), out=grad_tiles[index, :count])
        # windows of neighboring tiles overlap: add up By rows of each at a time
        grad_rows = scores.new_zeros(group * pitch, channels, by * wx)
        for step in range(wy // by):  # By is 1 or 2, so it divides
            block = scores[:, :, step * by * wx : (step + 1) * by * wx]
            grad_rows[step : step + count].baddbmm_(workspace.tile_matrices[index], block)
        target = grad_padded[..., index * bx : index * bx + wx].unflatten(2, (pitch, by))
        target.add_(grad_rows.view(group, pitch, channels, by, wx).transpose(1, 2))
    tiles = grad_tiles.view(nx, group, pitch, channels, by, bx)[:, :, :ny]
    grad1 = tiles.permute(1, 3, 2, 4, 0, 5).reshape(group, channels, tiling.height, nx * bx)
    grad2 = grad_padded[:, :, radius : radius + tiling.height, radius : radius + tiling.width]
    return grad1[..., : tiling.width], grad2
