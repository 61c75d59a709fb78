"""Read and write local video files frame by frame, RGB, with PyAV."""

import errno
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmvidext.datasets.media.files import file_problem
from mmvidext.datasets.media.video_file import (
    MOST_PIXELS,
    USUAL_RATE,
    BadVideoError,
    VideoFile,
    open_container,
    plausible_rate,
    upright_rgb,
)

__all__ = ['VIDEO_SUFFIXES', 'VideoReader', 'VideoWriter', 'check_frame_size', 'decode', 'fit']

Frame = NDArray[np.uint8]

# of each container the encoders in the order of preference: a build of FFmpeg may lack the first
_ENCODERS = {
    '.mp4': ('libx264', 'mpeg4'),
    '.mov': ('libx264', 'mpeg4'),
    '.mkv': ('libx264', 'mpeg4'),
    '.avi': ('mjpeg',),
    '.webm': ('libvpx-vp9', 'libvpx'),
}
VIDEO_SUFFIXES = tuple(_ENCODERS)
_QUALITY = {
    'libx264': {'crf': '18', 'preset': 'veryfast'},
    'libvpx-vp9': {'crf': '30', 'b': '0', 'deadline': 'realtime', 'cpu-used': '8'},
    'libvpx': {'crf': '10', 'b': '4M', 'deadline': 'realtime', 'cpu-used': '8'},
    'mjpeg': {'qmin': '2', 'qmax': '4'},
    'mpeg4': {'qmin': '2', 'qmax': '4'},
}
_NEEDS_EVEN_SIZE = ('libx264', 'mpeg4')
_NOTICEABLE = 0.5  # seconds: from one prediction of mmvidext predict to the next
# an MP4 that can be played at any moment, also after a power cut, and is an ordinary one when it is closed
_SAFE_MP4 = {'movflags': 'hybrid_fragmented'}


class VideoReader:
    """Frames of a video file, ``uint8 (H, W, 3)``, RGB, upright.

    A damaged file is read as far as it can be decoded; after its last frame an error says what is missing. Frames may
    change their size on the way.

    Args:
        path: The video, of any container that PyAV reads.

    Attributes:
        num_frames: How many frames there are, counted in the file; 0 if it is damaged.
        frame_rate: Frames per second on average; of a damaged file what it states. Where times that follow
            from it are wrong by half a second or more, this is logged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a regular file, or nothing in it can be decoded; while iterating, after the last frame
            that can be read, if there should be more.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        if problem := file_problem(path):
            kind = FileNotFoundError if problem == 'does not exist' else ValueError
            raise kind(f'{path} {problem}')
        self.num_frames, self.frame_rate, self._damage = 0, USUAL_RATE, ''
        try:
            file = VideoFile(self.path)
        except BadVideoError as error:
            self._damage = str(error)
            if next(self._decode(), None) is None:
                raise ValueError(self._damage) from error
            with open_container(self.path) as container:
                self.frame_rate = plausible_rate(container.streams.video[0].average_rate)
        else:
            self.num_frames, self.frame_rate = file.num_frames, plausible_rate(file.frame_rate)
            if file.time_error > _NOTICEABLE:
                print_log(
                    f'{path} has no constant frame rate: seconds are counted, and videos of it drawn, at the mean of '
                    f'{self.frame_rate:.4g} frames/s, and are wrong by up to {file.time_error:.1f} s; to have them '
                    'right, convert it: ffmpeg -i IN -vf fps=25 OUT',
                    logger='current',
                    level=logging.WARNING,
                )

    def __iter__(self) -> Iterator[Frame]:
        count = 0
        for frame in self._decode():
            count += 1
            yield frame
        if not self._damage and count < 0.9 * self.num_frames - 1:  # a few codecs have packets that show nothing
            self._damage = f'{self.path} is damaged: {count} of {self.num_frames} frames can be decoded'
        if self._damage:
            raise ValueError(f'{self._damage}; what can be read, {count} frames, was processed')

    def _decode(self) -> Iterator[Frame]:
        converter = VideoReformatter()
        try:
            with open_container(self.path) as container:
                for frame in decode(container):
                    if frame.is_corrupt:
                        self._damage = self._damage or f'{self.path} is damaged: a frame is corrupt'
                    yield upright_rgb(frame, converter)
        except av.FFmpegError as error:
            self._damage = self._damage or f'{self.path} is damaged: {error.strerror or error}'


def decode(container: Any, *, is_live: bool = False) -> Iterator[Any]:
    """Decode the first video stream of an open container; packets that cannot be decoded are left out.

    Args:
        container: The container.
        is_live: Give each frame at once. Otherwise each thread of the decoder holds one back: faster, but late.

    Yields:
        Frames of PyAV.

    Raises:
        ValueError: If there is no video stream, or its frames are too large.
        av.FFmpegError: If the container cannot be read any further; after all frames before that place.
    """
    name = container.name.removeprefix('file:')
    if not container.streams.video or container.streams.video[0].codec_context is None:
        raise ValueError(f'{name} has no video stream that can be decoded')
    stream = container.streams.video[0]
    stream.thread_type = 'SLICE' if is_live else 'AUTO'
    for packet in _packets(container, stream):
        try:
            frames = stream.codec_context.decode(packet)
        except av.FFmpegError:
            continue
        for frame in frames:
            check_frame_size(name, frame.width, frame.height)
            yield frame


def check_frame_size(name: str, width: int, height: int) -> None:
    """Check that frames are not too large to be read.

    Raises:
        ValueError: If they are; the message begins with the name of the source.
    """
    if width * height > MOST_PIXELS:
        raise ValueError(f'{name} has frames of {width}x{height}, and more than {MOST_PIXELS} pixels are not read')


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield packets, and None for what the decoder holds back where the container cannot be read any further."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, IndexError) as error:
        yield None
        if isinstance(error, av.FFmpegError):
            raise
        # PyAV's, at a packet of a stream that was not there when the file was opened
        raise av.InvalidDataError(errno.EILSEQ, 'a stream begins in the middle of it') from error


class VideoWriter:
    """Writes frames to a video; the codec follows from the suffix, and the size from the first frame.

    H.264 in ``.mp4``, ``.mov`` and ``.mkv``, VP9 in ``.webm``, Motion JPEG in ``.avi``; where this FFmpeg has no such
    encoder, MPEG-4 and VP8. H.264 and MPEG-4 need even sizes: the last row and column are repeated. The file is
    opened with the first frame, and checked when it is closed.

    Args:
        path: The file. Missing folders are created.
        frame_rate: Frames per second; 25 is taken for what no source has.

    Attributes:
        num_written: How many frames were written.

    Raises:
        ValueError: If the suffix is unknown, or this FFmpeg has no encoder for it.
        OSError: If the file cannot be written, or does not hold all frames at the end: a disk may be full.
    """

    def __init__(self, path: str | Path, frame_rate: float) -> None:
        self.path = Path(path)
        self.frame_rate = Fraction(plausible_rate(frame_rate)).limit_denominator(1001)
        self.num_written = 0
        self._container: Any = None
        self._encoder = _find_encoder(self.path)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        try:
            self._close()
        except OSError:
            if error is None:
                raise

    def write(self, frame: Frame) -> None:
        """Append a frame, RGB ``uint8 (H, W, 3)``; one of another size than the first is fitted into that size."""
        if self._container is None:
            self._open(*frame.shape[:2])
        picture = av.VideoFrame.from_ndarray(_pad(fit(frame, *self._size), *self._coded_size), 'rgb24')
        picture.pts = self.num_written
        picture.time_base = 1 / self.frame_rate
        try:
            self._container.mux(self._stream.encode(picture))
        except av.FFmpegError as error:
            raise OSError(f'{self.path} cannot be written: {error.strerror}') from error
        self.num_written += 1

    def _open(self, height: int, width: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        step = 2 if self._encoder in _NEEDS_EVEN_SIZE else 1
        self._size, self._coded_size = (height, width), (-(-height // step) * step, -(-width // step) * step)
        options = _SAFE_MP4 if self.path.suffix.lower() in ('.mp4', '.mov') else {}
        try:
            self._container = av.open(f'file:{self.path}', 'w', format=_format(self.path), options=options)
            self._stream = self._container.add_stream(
                self._encoder, rate=self.frame_rate, options=_QUALITY[self._encoder]
            )
        except av.FFmpegError as error:
            raise OSError(f'{self.path} cannot be written: {error.strerror}') from error
        self._stream.height, self._stream.width = self._coded_size
        self._stream.pix_fmt = 'yuvj420p' if self._encoder == 'mjpeg' else 'yuv420p'

    def _close(self) -> None:
        """Write what the encoder still holds, close the file, and count what can be read back."""
        container, self._container = self._container, None
        try:
            try:
                container.mux(self._stream.encode())
            finally:
                container.close()
            with av.open(f'file:{self.path}', format=_format(self.path)) as written:
                count = sum(1 for packet in written.demux(video=0) if packet.size)
        except (av.FFmpegError, IndexError) as error:
            text = error.strerror if isinstance(error, av.FFmpegError) else 'it holds no video'
            raise OSError(f'{self.path} cannot be written to its end: {text}; is the disk full?') from error
        if count < self.num_written:
            raise OSError(f'{self.path} holds {count} of {self.num_written} frames: is the disk full?')


def _find_encoder(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _ENCODERS:
        raise ValueError(f'a video must end in one of {", ".join(_ENCODERS)}, but it is {path}')
    for name in _ENCODERS[suffix]:
        try:
            av.Codec(name, 'w')
        except ValueError:  # UnknownCodecError
            continue
        return name
    raise ValueError(f'this PyAV (FFmpeg) has no encoder for {suffix}: pip install -U av, or use .avi')


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    return {'.mkv': 'matroska'}.get(suffix, suffix[1:])


def fit(frame: Frame, height: int, width: int) -> Frame:
    """Resize a frame ``(H, W, 3)`` to another size, with black borders where its shape differs."""
    if frame.shape[:2] == (height, width):
        return frame
    scale = min(height / frame.shape[0], width / frame.shape[1])
    inside = [max(1, round(length * scale)) for length in frame.shape[:2]]
    top, left = (height - inside[0]) // 2, (width - inside[1]) // 2
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + inside[0], left : left + inside[1]] = cv2.resize(frame, inside[::-1])
    return picture


def _pad(frame: Frame, height: int, width: int) -> Frame:
    """Repeat the last row and column up to a size."""
    missing = ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0))
    return np.ascontiguousarray(np.pad(frame, missing, 'edge') if (height, width) != frame.shape[:2] else frame)
