"""Optical flow files: Middlebury ``.flo`` (FlyingChairs, Sintel), KITTI's 16-bit PNG and ``.pfm`` (FlyingThings3D)."""

import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.images import read_image

__all__ = ['read_flo', 'read_flow', 'read_kitti_flow', 'read_pfm_flow', 'write_flo', 'write_kitti_flow']

PathLike = str | os.PathLike[str]
Flow = NDArray[np.float32]

FLO_MAGIC = b'PIEH'  # the bytes of the little-endian float 202021.25
FLO_HEADER_BYTES = 12
PFM_HEADER = re.compile(rb'(P[Ff])\s+([0-9]{1,9})\s+([0-9]{1,9})\s+(-?)[0-9.]{1,20}(?:[eE][+-]?[0-9]{1,3})?\r?\s')
UNKNOWN_FLOW = 1e9
KITTI_SCALE = 64.0
KITTI_OFFSET = 2.0**15


def read_flow(path: PathLike) -> tuple[Flow, NDArray[np.bool_]]:
    """Read a flow file by its suffix: ``.flo``, KITTI's ``.png`` or ``.pfm``.

    Args:
        path: The file.

    Returns:
        Flow ``float32 (H, W, 2)`` in pixels, order ``(x, y)``, and where it is known, ``bool (H, W)``. A ``.flo`` or
        ``.pfm`` marks an unknown vector by a component that is not below 1e9. Unknown vectors come as zero.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the suffix is none of these, or the file is damaged.
    """
    suffix = Path(path).suffix.lower()
    if suffix == '.png':
        return read_kitti_flow(path)
    if suffix not in ('.flo', '.pfm'):
        raise ValueError(
            f"{path}: a flow file ends in '.flo' (Middlebury), '.png' (KITTI) or '.pfm' (FlyingThings3D), "
            f'not in {suffix!r}'
        )
    flow = read_flo(path) if suffix == '.flo' else read_pfm_flow(path)
    valid: NDArray[np.bool_] = np.all(np.abs(flow) < UNKNOWN_FLOW, axis=2)  # false for nan, too
    return np.where(valid[..., None], flow, np.float32(0)), valid


def read_flo(path: PathLike) -> Flow:
    """Read a Middlebury ``.flo`` file.

    The format: ``b'PIEH'``, int32 width, int32 height, then float32 ``(H, W, 2)``, all little-endian.

    Args:
        path: The file.

    Returns:
        ``float32 (H, W, 2)`` in pixels, order ``(x, y)``, exactly as stored.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the magic number is wrong, the size is not positive, or the file's length does not fit the size.
    """
    data = read_bytes(str(path))
    if data[:4] != FLO_MAGIC:
        raise ValueError(
            f'{path} is not a .flo file, which starts with the magic number {FLO_MAGIC!r}: it starts with {data[:4]!r}'
        )
    if len(data) < FLO_HEADER_BYTES:
        raise ValueError(f'{path} is truncated: its header takes {FLO_HEADER_BYTES} bytes, but it has {len(data)}')
    width, height = (int(value) for value in np.frombuffer(data, '<i4', count=2, offset=4))
    if width < 1 or height < 1:
        raise ValueError(f'{path} is damaged: its header says {width} x {height} (width x height) pixels')
    _check_length(path, data, FLO_HEADER_BYTES, (width, height), 8)
    return np.frombuffer(data, '<f4', offset=FLO_HEADER_BYTES).reshape(height, width, 2).astype(np.float32)


def write_flo(path: PathLike, flow: Flow) -> None:
    """Write a Middlebury ``.flo`` file.

    Args:
        path: The file to write; it is replaced if it exists.
        flow: ``(H, W, 2)`` in pixels, order ``(x, y)``.

    Raises:
        ValueError: If ``flow`` is not ``(H, W, 2)``.
    """
    _check_flow(flow)
    height, width = flow.shape[:2]
    header = FLO_MAGIC + np.array([width, height], '<i4').tobytes()
    Path(path).write_bytes(header + np.ascontiguousarray(flow, '<f4').tobytes())


def read_pfm_flow(path: PathLike) -> Flow:
    """Read the flow of FlyingThings3D: a portable float map of three channels ``(x, y, 0)``.

    Args:
        path: The file.

    Returns:
        ``float32 (H, W, 2)`` in pixels, order ``(x, y)``, exactly as stored.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a portable float map, the file's length does not fit the size, or it has one channel,
            as disparity has.
    """
    data = read_bytes(str(path))
    found = PFM_HEADER.match(data)
    if found is None:
        raise ValueError(
            f"{path} is not a portable float map, which starts with 'PF', width, height and scale: it starts with "
            f'{data[:8]!r}'
        )
    if found[1] != b'PF':
        raise ValueError(
            f'{path} must have three channels to hold flow, but it has one; one channel is disparity or depth'
        )
    width, height = int(found[2]), int(found[3])
    _check_length(path, data, found.end(), (width, height), 12)
    vectors = np.frombuffer(data, '<f4' if found[4] else '>f4', offset=found.end()).reshape(height, width, 3)
    return vectors[::-1, :, :2].astype(np.float32, order='C')  # the last row comes first


def read_kitti_flow(path: PathLike) -> tuple[Flow, NDArray[np.bool_]]:
    """Read KITTI's flow: a 16-bit RGB PNG with ``(value - 2^15) / 64`` pixels in R and G, and validity in B.

    Args:
        path: The file.

    Returns:
        Flow ``float32 (H, W, 2)``, order ``(x, y)``, zero where it is unknown, and where it is known, ``bool (H, W)``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a 16-bit PNG of three channels; one of one channel is KITTI's disparity.
    """
    image = read_image(str(path), cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint16:
        raise ValueError(f'{path} must be a 16-bit PNG to hold flow, but its pixels are {image.dtype}')
    if _channels(image) != 3:
        raise ValueError(
            f'{path} must have three channels to hold flow, but it has {_channels(image)}; one channel is disparity '
            '(disp_occ, disp_noc), flow is in flow_occ and flow_noc'
        )
    valid = image[..., 0] > 0  # opencv reads BGR, so B is the first
    flow = (image[..., :0:-1].astype(np.float32) - KITTI_OFFSET) / KITTI_SCALE
    return np.where(valid[..., None], flow, 0).astype(np.float32), valid


def write_kitti_flow(path: PathLike, flow: Flow, valid: NDArray[np.bool_] | None = None) -> None:
    """Write KITTI's flow format: steps of 1/64 pixel, from -512 to 511.98 pixels.

    Args:
        path: The ``.png`` file to write; it is replaced if it exists.
        flow: ``(H, W, 2)`` in pixels, order ``(x, y)``.
        valid: Where the flow is known, ``(H, W)``; None means everywhere. Unknown vectors are written as zeros.

    Raises:
        ValueError: If a shape does not fit, or a known vector is outside the range of the format.
    """
    _check_flow(flow)
    valid = np.ones(flow.shape[:2], bool) if valid is None else valid.astype(bool)
    if valid.shape != flow.shape[:2]:
        raise ValueError(f'valid must be (H, W) = {flow.shape[:2]} as flow, but it is {valid.shape}')
    code = np.rint(flow.astype(np.float64) * KITTI_SCALE + KITTI_OFFSET)
    if not ((code >= 0) & (code < 2 * KITTI_OFFSET))[valid].all():
        raise ValueError(f'{path}: KITTI stores -512 to 511.98 pixels; write this flow as .flo or mark it as unknown')
    image = np.zeros((*valid.shape, 3), np.uint16)
    image[valid, 0] = 1
    image[valid, 1:] = code[valid][:, ::-1].astype(np.uint16)
    _, data = cv2.imencode('.png', image)
    Path(path).write_bytes(data.tobytes())


def _channels(image: NDArray[Any]) -> int:
    return 1 if image.ndim == 2 else image.shape[2]


def _check_length(path: PathLike, data: bytes, header: int, size: tuple[int, int], bytes_each: int) -> None:
    """Compare a file's length with the size in its header: nothing is allocated for a false one."""
    width, height = size
    expected = header + width * height * bytes_each
    if len(data) != expected:
        what = 'is truncated' if len(data) < expected else 'has bytes after its end'
        raise ValueError(
            f'{path} {what}: {width} x {height} (width x height) vectors take {expected} bytes, but it has {len(data)}'
        )


def _check_flow(flow: Flow) -> None:
    if flow.ndim != 3 or flow.shape[2] != 2 or not flow.size:
        raise ValueError(f'flow must be (H, W, 2), order (x, y), of one pixel or more, but its shape is {flow.shape}')
