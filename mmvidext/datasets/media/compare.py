"""A copy of a video compared with its original, frame by frame."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import cv2
from av.video.reformatter import VideoReformatter

from mmvidext.datasets.media.video_file import BadVideoError, VideoFile

__all__ = ['compare_frames']

_LARGEST_SHIFT = 0.001  # seconds: containers round the time of a frame


def compare_frames(video: VideoFile, copy: VideoFile, times: Sequence[Fraction], *, min_psnr: float) -> float:
    """Check that a copy has the frames of a video, at the same times.

    Args:
        video: The original.
        copy: The copy, which may have another size.
        times: Seconds of each frame of the original after the first.
        min_psnr: The lowest peak signal-to-noise ratio that is accepted, in dB of RGB at the size of the copy.

    Returns:
        The lowest that a frame has.

    Raises:
        BadVideoError: If the number of frames, a time or the pixels differ.
    """
    lowest, start = math.inf, 0.0
    converters = VideoReformatter(), VideoReformatter()
    for number, (frame, other, time) in enumerate(zip_longest(video.decode(), copy.decode(), times)):
        if frame is None or other is None or time is None:
            raise BadVideoError(f'{video.path} has {len(times)} frames, but its copy has not: it ends at {number}')
        if number == 0:
            start = other.time
        if other.time is None or abs(other.time - start - time) > _LARGEST_SHIFT:
            raise BadVideoError(f'{video.path}: frame {number} is at {float(time):.3f} s, but not in the copy')
        size = other.width, other.height
        images: list[Any] = [
            converter.reformat(picture, *size, format='rgb24').to_ndarray()
            for converter, picture in zip(converters, (frame, other), strict=True)
        ]
        psnr = cv2.PSNR(images[0], images[1])
        if psnr < min_psnr:
            raise BadVideoError(
                f'{video.path}: frame {number} of the copy has a peak signal-to-noise ratio of {psnr:.1f} dB, below '
                f'{min_psnr:g}; lower crf for a better and larger copy, or lower min_psnr'
            )
        lowest = min(lowest, psnr)
    return lowest
