"""The same frames of a video from each library that is installed, in one thread."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from mmvidext.datasets.media.video_file import VideoFile

Choose = Callable[[int], Sequence[int]]  # from the number of frames to those that are wanted


def pyav(path: str, choose: Choose) -> list[Any]:
    """Decode as ``mmvidext.InitVideo`` and ``DecodeVideo`` do."""
    video = VideoFile(path)
    return video.frames(choose(video.num_frames))


def decord(path: str, choose: Choose) -> list[Any]:
    """Decode as mmaction2's ``DecordDecode`` does, accurately."""
    import decord as library

    reader = library.VideoReader(path, num_threads=1)
    return list(reader.get_batch(choose(len(reader))).asnumpy())


def torchcodec(path: str, choose: Choose) -> list[Any]:
    """Decode with an exact index of the frames."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, num_ffmpeg_threads=1, dimension_order='NHWC')
    return list(decoder.get_frames_at(list(choose(len(decoder)))).data.numpy())


def opencv(path: str, choose: Choose) -> list[Any]:
    """Jump to each frame."""
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    frames = []
    for number in choose(int(capture.get(cv2.CAP_PROP_FRAME_COUNT))):
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        found, image = capture.read()
        if not found:
            raise RuntimeError(f'OpenCV finds no frame {number} in {path}')
        frames.append(np.ascontiguousarray(image[..., ::-1]))
    capture.release()
    return frames


def installed_decoders() -> dict[str, Callable[[str, Choose], list[Any]]]:
    """Return those that can be imported, ours first."""
    decoders = {'PyAV': pyav, 'OpenCV': opencv}
    if importlib.util.find_spec('decord') is not None:
        decoders['decord'] = decord
    if importlib.util.find_spec('torchcodec') is not None:
        decoders['torchcodec'] = torchcodec
    return decoders
