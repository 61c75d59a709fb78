"""A video encoded anew, so that a few of its frames are decoded fast, and compared with the original frame by frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from mmvidext.datasets.atomic_write import atomic_path
from mmvidext.datasets.media.compare import compare_frames
from mmvidext.datasets.media.orientation import Orientation, orientation_of
from mmvidext.datasets.media.video_file import BadVideoError, VideoFile

__all__ = ['Encoding', 'Reencoded', 'encoder_name', 'reencode_video']

_FINEST = 90_000  # parts of a second, of MPEG


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded.

    Attributes:
        key_frame_interval: Frames from one key frame to the next; 1 makes every frame a key frame.
        short_side: Pixels of the shorter side; larger videos are made smaller, smaller ones stay. None keeps the size.
        crf: Quality of H.264 from 0, without loss, to 51: x264's constant rate factor.
        min_psnr: A copy is refused if a frame's peak signal-to-noise ratio against the original is lower, in dB.

    Raises:
        ValueError: If a value is out of its range.
    """

    key_frame_interval: int = 6
    short_side: int | None = None
    crf: int = 23
    min_psnr: float = 28.0

    def __post_init__(self) -> None:
        if self.key_frame_interval < 1:
            raise ValueError(f'key_frame_interval must be 1 or more, but is {self.key_frame_interval}')
        if self.short_side is not None and self.short_side < 2:
            raise ValueError(f'short_side must be 2 pixels or more, but is {self.short_side}')
        if not 0 <= self.crf <= 51:
            raise ValueError(f'crf must be in [0, 51], but is {self.crf}')


@dataclass(frozen=True)
class Reencoded:
    """What was made of a video: its frames, and the lowest of their peak signal-to-noise ratios in dB."""

    num_frames: int
    psnr: float


def encoder_name() -> str:
    """Return the encoder that is used: H.264 where this PyAV has it, else MPEG-4 Part 2, which each has."""
    return 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'


def reencode_video(source: str, target: Path, encoding: Encoding) -> Reencoded:
    """Write a copy of a video, which is there only once it is whole and has been compared with the original.

    The copy has the frames of the original at their times, in 4:2:0, without sound. Sides are even numbers of pixels,
    to which an odd side is scaled. There are no B-frames, and no deblocking or arithmetic coding, so that a frame
    costs little to decode; every group of pictures is closed, so that decoding can start at each key frame.

    Args:
        source: The video.
        target: The copy, ending in ``.mp4``; replaced if it is there.
        encoding: How to encode.

    Raises:
        BadFileError: If the video cannot be read, the copy cannot be written, or a frame, its time or their number
            differs.
        OSError: If the disk is full.
    """
    video = VideoFile(source)
    times = _frame_times(video)
    with atomic_path(target) as temporary:
        try:
            _encode(video, times, temporary, encoding)
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # not only of this video: the next ones would not be written either
                raise
            raise BadVideoError(f'{source} cannot be encoded: {error.strerror or error}') from error
        psnr = compare_frames(video, VideoFile(str(temporary)), times, min_psnr=encoding.min_psnr)
    return Reencoded(len(times), psnr)


def _frame_times(video: VideoFile) -> list[Fraction]:
    """Return the seconds of each frame after the first, at a constant rate where the file has no order of times."""
    times: list[Fraction | None] = []
    for frame in video.decode():
        if orientation_of(frame) != Orientation():
            raise BadVideoError(
                f'{video.path} is to be rotated or mirrored when it is shown, which a copy would lose; do so first: '
                'ffmpeg -i IN -c:v libx264 OUT.mp4'
            )
        times.append(None if frame.pts is None else frame.pts * frame.time_base)
    known = [time for time in times if time is not None]
    if len(known) == len(times) and all(before < after for before, after in pairwise(known)):
        return [time - known[0] for time in known]
    if not video.frame_rate:
        raise BadVideoError(f'{video.path} has neither the times of its frames nor a frame rate')
    rate = Fraction(video.frame_rate).limit_denominator(1001)
    return [number / rate for number in range(len(times))]


def _even_size(width: int, height: int, short_side: int | None) -> tuple[int, int]:
    scale = min(1.0, short_side / min(width, height)) if short_side else 1.0
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def _options(encoder: str, encoding: Encoding) -> dict[str, str]:
    options = {'g': str(encoding.key_frame_interval), 'bf': '0', 'sc_threshold': '0', 'flags': '+frame_duration'}
    if encoder == 'libx264':
        return {**options, 'crf': str(encoding.crf), 'tune': 'fastdecode', 'preset': 'faster'}
    return {**options, 'qmin': '4', 'qmax': '4'}


def _encode(video: VideoFile, times: Sequence[Fraction], target: Path, encoding: Encoding) -> None:
    name = encoder_name()
    time_base = Fraction(1, _common_denominator(times))
    durations = [int((after - before) / time_base) for before, after in pairwise(times)]
    durations.append(durations[-1] if durations else 0)
    with av.open(str(target), 'w') as container:
        stream: Any = container.add_stream(name, options=_options(name, encoding))
        context = stream.codec_context
        context.thread_count = 1  # workers are the parallelism
        context.pix_fmt = 'yuv420p'
        context.time_base = time_base
        converter = VideoReformatter()
        for number, (frame, time) in enumerate(zip(video.decode(), times, strict=True)):
            if number == 0:
                context.width, context.height = _even_size(frame.width, frame.height, encoding.short_side)
            picture = converter.reformat(frame, context.width, context.height, format='yuv420p')
            if number == 0:
                context.color_range = picture.color_range
                if not frame.format.is_rgb:
                    for tag in ('colorspace', 'color_primaries', 'color_trc'):
                        setattr(context, tag, getattr(picture, tag))
            picture.pict_type = PictureType.NONE  # the encoder would follow the original's
            picture.pts, picture.duration, picture.time_base = int(time / time_base), durations[number], time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _common_denominator(times: Sequence[Fraction]) -> int:
    denominator = math.lcm(*(time.denominator for time in times))
    return denominator if denominator <= _FINEST else _FINEST
