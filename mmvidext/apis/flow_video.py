"""Estimate the flow from each frame of a source to the next one, and write it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmvidext.apis.flow_inferencer import FlowInferencer
from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import check_outputs, open_pictures
from mmvidext.datasets.atomic_write import atomic_path
from mmvidext.datasets.flow_io import write_flo, write_kitti_flow

__all__ = ['FLOW_SUFFIXES', 'estimate_video_flow', 'write_flow']

Flow = NDArray[np.float32]


def _write_npz(path: Path, flow: Flow) -> None:
    np.savez_compressed(path, flow=flow)


_WRITERS: dict[str, Callable[[Path, Flow], None]] = {
    '.flo': write_flo,
    '.png': write_kitti_flow,
    '.npz': _write_npz,
}
FLOW_SUFFIXES = tuple(_WRITERS)


def write_flow(path: Path, flow: Flow) -> None:
    """Write a flow field: ``.flo`` (Middlebury), ``.png`` (KITTI, 16 bits) or ``.npz`` (the array ``flow``).

    Args:
        path: The file; it is complete or not there. Missing folders are created.
        flow: ``(H, W, 2)`` in pixels, order ``(x, y)``.

    Raises:
        ValueError: If the suffix is another one, or the format cannot hold the flow.
        OSError: If the file cannot be written.
    """
    if path.suffix not in _WRITERS:
        raise ValueError(f'a flow file ends in {", ".join(_WRITERS)}, but it is {path}')
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix](temporary, flow)


def estimate_video_flow(
    inferencer: FlowInferencer,
    source: Source,
    *,
    out: Path | None = None,
    suffix: str = '.flo',
    picture: Path | None = None,
    max_magnitude: float | None = None,
    on_flow: Callable[[int, Flow], Any] | None = None,
) -> int:
    """Write the flow from each frame to the next; where the size of the frames changes, there is none.

    Args:
        inferencer: The model.
        source: Frames, see :func:`mmvidext.apis.frame_sources.open_source`.
        out: Folder of flow files, each with the number of its first frame: ``000001.flo`` is from frame 1 to frame 2.
        suffix: Of these files, see :func:`write_flow`.
        picture: Video, or folder of PNG files, for the colored flow.
        max_magnitude: Pixels at full saturation; None takes the longest vector of each pair.
        on_flow: Called after each flow with its number and itself.

    Returns:
        How many flow fields were estimated.

    Raises:
        ValueError: Before anything is written, if an output is an input or has an unknown suffix; if the source is
            damaged, or a flow is not finite, after what came before.
        OSError: If an output cannot be written, or the source does not answer.
    """
    check_outputs((out, picture), source.files)
    previous, count = None, 0
    with ExitStack() as stack:
        pictures = None if picture is None else stack.enter_context(open_pictures(picture, source.frame_rate))
        for number, frame in enumerate(source.frames):
            if previous is not None and previous.shape == frame.shape:
                flow = inferencer(previous, frame)
                if out is not None:
                    write_flow(out / f'{number:06d}{suffix}', flow)
                if pictures is not None:
                    pictures.write(inferencer.draw(flow, max_magnitude))
                count += 1
                if on_flow is not None:
                    on_flow(number, flow)
            previous = frame.copy()  # a source may use one buffer for all frames
    return count
