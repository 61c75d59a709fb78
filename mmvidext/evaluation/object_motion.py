"""How much each object of ImageNet VID moves: its mean overlap with itself in the frames around it."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmvidext.evaluation.vid_matching import Frame, inclusive_iou

__all__ = ['MOTION_RANGES', 'WINDOW', 'read_motion_file', 'track_motion']

# motion IoU of the objects that count, both ends included
MOTION_RANGES = {'slow': (0.9, 1.0), 'medium': (0.7, 0.9), 'fast': (0.0, 0.7)}
WINDOW = 10  # frames to either side
HINT = 'imagenet_vid_groundtruth_motion_iou.mat lies in lib/dataset of msracver/Flow-Guided-Feature-Aggregation'


def track_motion(frames: Sequence[Frame]) -> list[NDArray[np.float64]]:
    """Return the motion IoU of each object ``(M,)`` of each frame, from the track ids.

    It is the mean IoU with the same track in the other frames of the video from 10 before to 10 behind; 0 for an object
    that is in none of them, as for the empty values of the authors' file.

    Raises:
        ValueError: If an object has no track id, or two of a frame have the same one.
    """
    tracks: dict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
    for place, frame in enumerate(frames):
        if (frame.track_ids < 0).any() or len(set(frame.track_ids.tolist())) < len(frame.track_ids):
            raise ValueError(
                f'frame {frame.number} of {frame.video} has the track ids {frame.track_ids.tolist()}, but motion needs '
                'one for each object: give motion_file, or motion=False'
            )
        for index, track in enumerate(frame.track_ids.tolist()):
            tracks[frame.video, track].append((frame.number, place, index))
    motion = [np.zeros(len(frame.boxes)) for frame in frames]
    for track in tracks.values():
        numbers = np.array([number for number, _, _ in track])
        boxes = np.stack([frames[place].boxes[index] for _, place, index in track])
        for (number, place, index), box in zip(track, boxes, strict=True):
            near = (np.abs(numbers - number) <= WINDOW) & (numbers != number)
            if near.any():
                motion[place][index] = inclusive_iou(box[None], boxes[near]).mean()
    return motion


def read_motion_file(path: str) -> list[NDArray[np.float64]]:
    """Read the authors' motion IoU: for each frame of the list, in order, the value of each object.

    An empty value is 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If scipy is missing.
        ValueError: If it is not the authors' file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'there is no motion file {path}. {HINT}')
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError(f'reading {path} needs scipy, which mmdet brings: pip install scipy') from error

    try:
        cells = loadmat(path)['motion_iou']
        return [np.array([_value(cell) for cell in np.ravel(frame[0])], np.float64) for frame in cells]
    except Exception as error:  # a damaged file makes scipy raise nearly anything
        raise ValueError(f'{path} holds no motion_iou as the authors wrote it: {error!r}. {HINT}') from error


def _value(cell: Any) -> float:
    values = np.ravel(cell)
    return float(values[0]) if len(values) else 0.0
