"""Read single frames of a video file with PyAV."""

import errno
import io
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import dropwhile, islice
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from mmengine.fileio import get
from numpy.typing import NDArray

from mmvidext.datasets.media.asf_header import HEADER_BYTES, asf_duration
from mmvidext.datasets.media.files import BadFileError, check_one_size, file_problem, is_local
from mmvidext.datasets.media.frame_times import average_rate, time_error
from mmvidext.datasets.media.limits import MOST_PIXELS
from mmvidext.datasets.media.orientation import orientation_of

__all__ = ['BadVideoError', 'VideoFile', 'open_container', 'plausible_rate', 'upright_rgb']

USUAL_RATE = 25.0  # frames per second, where a source states none
_LOWEST_RATE, _HIGHEST_RATE = 0.001, 1000.0
# what the Matroska reader logs for a truncated file, and for bytes that are no Matroska; it continues after both
_TRUNCATED = 'ended prematurely'
_MATROSKA_DAMAGE = (_TRUNCATED, 'invalid as first byte of an EBML number')
_LISTS = ('concat', 'dash', 'hls', 'imf', 'sdp')  # formats of FFmpeg that hold names of files, not frames
_STORE_TIMES = ('mov,mp4,m4a,3gp,3g2,mj2', 'matroska,webm')  # formats of FFmpeg with presentation times of all frames
_NEAR = 8  # so few frames are decoded on the way to a key frame: a jump throws away what the decoder holds already
_log_lock = threading.Lock()  # held for a moment only: a thread that hangs is left behind, and others must go on
_log_settings: list[tuple[int | None, bool]] = []  # as each thread that reads found them, the first at the beginning

_NO_DECODER = (
    ', or this PyAV (FFmpeg) has no decoder for it: install one that has (pip install -U av), or convert the file: '
    'ffmpeg -i IN -c:v libx264 OUT.mp4'
)
_SMALLER = '; make it smaller, for example with: ffmpeg -i IN -vf scale=-2:1080 OUT'


class BadVideoError(BadFileError):
    """A video cannot be read; the message names it."""


@dataclass(frozen=True)
class _Index:
    """What the packets of a video stream say.

    Attributes:
        num_frames: Frames that are shown.
        times: Presentation time of each frame, ascending; empty where it is not known for certain.
        time_base: Seconds that times are counted in.
        key_times: Times from which decoding can start, ascending.
        is_intra: Whether each frame is a key frame.
        frame_rate: Frames per second on average, 0 if unknown.
        frame_size: Width and height that the container states.
    """

    num_frames: int
    times: tuple[int, ...]
    time_base: Fraction
    key_times: tuple[int, ...]
    is_intra: bool
    frame_rate: float
    frame_size: tuple[int, int]


class VideoFile:
    """A video whose frames are read by their numbers.

    The number of frames is counted in the packets of the file. Headers state it only in some formats, and a product of
    duration and frame rate is wrong where the rate varies or the sound is longer.

    Args:
        path: A local file, or an address that mmengine's file backends know.

    Attributes:
        num_frames: How many frames there are.
        frame_rate: Frames per second on average, 0 if unknown.
        frame_size: Width and height in pixels, as the container states them.
        codec: Of the pictures, for example ``'av1'``.

    Raises:
        BadVideoError: If the file cannot be opened, has no video stream or no frame, is truncated or damaged, or this
            PyAV has no decoder for it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        if is_local(path) and (problem := file_problem(path)):
            raise BadVideoError(f'{path} {problem}')
        self._content = None if is_local(path) else get(path)
        self.codec = 'unknown'
        with self._naming_the_file():
            self._index = self._read_index()
        self.num_frames = self._index.num_frames
        self.frame_rate = self._index.frame_rate
        self.frame_size = self._index.frame_size

    @property
    def time_error(self) -> float:
        """How many seconds a frame is away from its number divided by the frame rate, at most; 0 where unknown."""
        return time_error(self._index.times, self._index.time_base, self.frame_rate)

    def frames(self, numbers: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Decode frames.

        Args:
            numbers: Of the frames, from 0 on, in any order, repeated or not.

        Returns:
            RGB ``uint8 (H, W, 3)`` for each number, turned and mirrored as the recorder says.

        Raises:
            IndexError: If a number is not in ``[0, num_frames)``.
            BadFileError: If a frame cannot be decoded, or they differ in size.
        """
        wanted = sorted({int(number) for number in numbers})
        if not wanted or wanted[0] < 0 or wanted[-1] >= self.num_frames:
            raise IndexError(f'{self.path} has {self.num_frames} frames, but {wanted} are asked for')
        with self._naming_the_file():
            decoded = self._decode_by_time(wanted) if self._index.times else {}
            if len(decoded) < len(wanted):
                decoded = self._decode_in_order(wanted)
        check_one_size(self.path, {f'frame {number}': decoded[number].shape[1::-1] for number in wanted})
        return [decoded[int(number)] for number in numbers]

    def check(self) -> None:
        """Decode every frame.

        Raises:
            BadFileError: If one is damaged, or they differ in size.
        """
        self._check_count(sum(1 for _ in self.decode()))

    def decode(self) -> Iterator[Any]:
        """Yield every frame, as PyAV's ``VideoFrame``.

        Raises:
            BadFileError: If one is damaged, or they differ in size.
        """
        first: tuple[int, int] | None = None
        with self._naming_the_file(), self._open() as (container, _):
            for number, frame in enumerate(container.decode(video=0)):
                if frame.is_corrupt:
                    raise BadVideoError(f'{self.path} is damaged at frame {number} of {self.num_frames}')
                size = frame.width, frame.height
                first = first or size
                check_one_size(self.path, {'frame 0': first, f'frame {number}': size})
                yield frame

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            advice = ''
            if error.errno == errno.ENOSYS or isinstance(error, av.error.DecoderNotFoundError):
                advice = _NO_DECODER
            elif error.errno == errno.EINVAL:  # what decoders answer at max_pixels
                advice = f', or a frame has more than {MOST_PIXELS} pixels, which are not read{_SMALLER}'
            text = error.strerror or type(error).__name__
            raise BadVideoError(f'{self.path} (codec {self.codec}) cannot be decoded: {text}{advice}') from error
        except IndexError as error:  # PyAV's, at a packet of a stream that was not there when the file was opened
            raise BadVideoError(f'{self.path} is damaged: a stream begins in the middle of it') from error

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with open_container(self.path, self._content) as container:
            if not container.streams.video:
                raise BadVideoError(f'{self.path} has no video stream')
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise BadVideoError(f'{self.path} has no known codec: it is damaged{_NO_DECODER}')
            self.codec = stream.codec_context.codec.canonical_name
            if stream.width * stream.height > MOST_PIXELS:
                raise BadVideoError(
                    f'{self.path} has frames of {stream.width}x{stream.height}, and more than {MOST_PIXELS} pixels are '
                    f'not read{_SMALLER}'
                )
            stream.codec_context.thread_count = 1  # workers are the parallelism
            yield container, stream

    def _read_index(self) -> _Index:
        with _demuxer_errors() as errors, self._open() as (container, stream):
            codec, format_name = stream.name, container.format.name
            packets, end = [], Fraction(0)
            states_end = format_name in ('flv', 'asf')  # when its longest stream ends
            for packet in container.demux(*([] if states_end else [stream])):
                if states_end and packet.pts is not None:
                    end = max(end, packet.pts * packet.time_base)
                if packet.size and packet.stream == stream:
                    packets.append(_Packet.of(packet, codec))
            shown = [packet for packet in packets if packet.is_shown]
            is_avi, is_transport_stream = format_name == 'avi', format_name == 'mpegts'
            num_stated, frame_rate = stream.frames, stream.average_rate
            is_live, time_base = container.duration is None, stream.time_base
            duration = (container.duration or 0) / av.time_base
            frame_size = stream.width, stream.height
        if format_name == 'asf':
            duration = asf_duration(self._header()) if is_live else 0.0
        if is_live:  # what a browser records says neither its duration nor where its last cluster ends
            errors = [text for text in errors if _TRUNCATED not in text]
        if errors or (not is_transport_stream and any(packet.is_corrupt for packet in packets)):
            raise BadVideoError(f'{self.path} is truncated or damaged: {len(shown)} frames are left')
        times = sorted({packet.time for packet in shown if packet.time is not None})
        # an AVI has a place, its time, for each frame that a recorder dropped, and its header counts them
        if is_avi and max(len(shown), times[-1] + 1 if times else 0) < 0.9 * num_stated:
            raise BadVideoError(f'{self.path} is damaged: {len(shown)} of {num_stated} frames are left')
        if not shown:
            raise BadVideoError(f'{self.path} has no frames')
        if states_end and end + 1 / (frame_rate or USUAL_RATE) < 0.9 * duration:
            raise BadVideoError(f'{self.path} is truncated: {float(end):.1f} of {duration:.1f} s are left')
        if not (is_transport_stream and frame_rate):  # the times of a transport stream may jump
            frame_rate = average_rate(times, time_base, frame_rate)
        return _Index(
            num_frames=len(shown),
            times=_certain_times(packets, format_name),
            time_base=time_base,
            key_times=tuple(sorted(packet.time for packet in packets if packet.is_key and packet.time is not None)),
            is_intra=all(packet.is_key for packet in packets),
            frame_rate=float(frame_rate or 0),
            frame_size=frame_size,
        )

    def _header(self) -> bytes:
        if self._content is not None:
            return self._content[:HEADER_BYTES]
        with open(self.path, 'rb') as file:
            return file.read(HEADER_BYTES)

    def _decode_in_order(self, wanted: list[int]) -> dict[int, NDArray[np.uint8]]:
        """Decode from the beginning and count."""
        decoded: dict[int, NDArray[np.uint8]] = {}
        converter = VideoReformatter()
        count = 0
        for frame in self.decode():
            if count in wanted or count == self.num_frames - 1:
                decoded[count] = upright_rgb(frame, converter)
            last = frame
            count += 1
            if count > wanted[-1]:
                return decoded
        self._check_count(count)
        return {number: decoded[number] if number in decoded else upright_rgb(last, converter) for number in wanted}

    def _check_count(self, count: int) -> None:
        """A few codecs have packets that show nothing, so a frame more or less is not damage."""
        if count < 0.9 * self.num_frames - 1 or not count:
            raise BadVideoError(f'{self.path} is damaged: {count} of {self.num_frames} frames can be decoded')

    def _decode_by_time(self, wanted: list[int]) -> dict[int, NDArray[np.uint8]]:
        """Jump to the key frames before the wanted frames; return nothing where a frame is not the one expected.

        Frames are known by their times, so only containers that store when each frame is shown are read like this
        (`_certain_times`). After a jump the key frame itself must come first, then every frame of the index, none left
        out; only what is shown before a key frame and stored behind it (an open group of pictures) is dropped.
        """
        times, key_times = self._index.times, self._index.key_times
        decoded: dict[int, NDArray[np.uint8]] = {}
        converter = VideoReformatter()  # prepares the conversion once, not for every frame
        next_number = 0  # of the frame that the decoder gives next
        with self._open() as (container, stream):
            frames: Iterator[Any] = container.decode(stream)
            for number in wanted:
                key_time = key_times[bisect_right(key_times, times[number]) - 1]
                key_number = bisect_left(times, key_time)
                if key_number - next_number > _NEAR:
                    container.seek(key_time, stream=stream)
                    frames = dropwhile(partial(_is_before, key_time), container.decode(stream))
                    next_number = key_number
                # a key frame with a wrong time is found out by the frame behind it, except where each is a key frame
                last = number if self._index.is_intra else max(number, min(key_number + 1, self.num_frames - 1))
                for frame in islice(frames, max(0, last + 1 - next_number)):
                    if frame.is_corrupt or frame.pts != times[next_number]:
                        return {}  # decoding in order will tell whether the file is damaged or only cannot be sought
                    if next_number in wanted:
                        decoded[next_number] = upright_rgb(frame, converter)
                    next_number += 1
                if next_number <= last:
                    return {}
        return decoded


def plausible_rate(stated: float | Fraction | None) -> float:
    """Return the frames per second that a source states, or the usual 25 for none and for what no source has.

    Cameras state -1, NaN, or their clock of 90,000 ticks a second, and damaged files anything.
    """
    rate = float(stated or 0)
    return rate if _LOWEST_RATE <= rate < _HIGHEST_RATE else USUAL_RATE


@contextmanager
def open_container(path: str, content: bytes | None = None) -> Iterator[Any]:
    """Open a file with PyAV so that it reaches no other one: a list may name any video of this machine.

    Its decoders refuse a frame of more than 2^26 pixels before they make room for it, whatever the header says.

    Args:
        path: The file.
        content: What it holds, where it was read already.

    Raises:
        BadVideoError: If it is a list of other files.
        av.FFmpegError: If it cannot be opened.
    """
    # 'file:' and the whitelist keep names such as 'concat:a|b', and addresses in a playlist, from being opened
    source = f'file:{path}' if content is None else io.BytesIO(content)
    options = {'protocol_whitelist': 'file'} if content is None else {}
    with av.open(source, options=options, metadata_errors='replace') as container:
        if container.format.name in _LISTS:
            raise BadVideoError(
                f'{path} is a list of other files ({container.format.name}): name the videos themselves'
            )
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.options = {'max_pixels': str(MOST_PIXELS)}
        yield container


def _is_before(time: int, frame: Any) -> bool:
    return frame.pts is not None and frame.pts < time


class _Packet(NamedTuple):
    time: int | None
    is_key: bool
    is_corrupt: bool
    is_shown: bool

    @staticmethod
    def of(packet: Any, codec: str) -> '_Packet':
        is_shown = not packet.is_discard
        if codec == 'vp8':  # its alternate reference frames have packets of their own
            is_shown = is_shown and bool(memoryview(packet)[0] >> 4 & 1)
        return _Packet(packet.pts, packet.is_keyframe, packet.is_corrupt, is_shown)


def _certain_times(packets: Sequence[_Packet], format_name: str) -> tuple[int, ...]:
    """Return when each frame is shown, ascending, or nothing where that is not known for certain.

    MP4, QuickTime, Matroska and WebM store when each frame is shown; other containers store when it is decoded, or the
    times of some frames only, from which FFmpeg guesses the others, differently after a jump. Where each frame is a key
    frame both orders are one, and AVI has an index of them.
    """
    shown = [packet for packet in packets if packet.is_shown]
    times = sorted({packet.time for packet in shown if packet.time is not None})
    is_stored = format_name in _STORE_TIMES or (format_name == 'avi' and all(packet.is_key for packet in packets))
    if not is_stored or len(times) < len(shown):
        return ()
    first = packets[0]  # what is shown before it cannot be decoded, and then other frames have these numbers
    return tuple(times) if first.is_key and first.time is not None and first.time <= times[0] else ()


def upright_rgb(frame: Any, converter: VideoReformatter | None = None) -> NDArray[np.uint8]:
    """Return a frame of PyAV as RGB ``uint8 (H, W, 3)``, turned and mirrored as the recorder says.

    Args:
        frame: The frame.
        converter: One for all frames of a video prepares the conversion once.
    """
    picture: Any = (converter or VideoReformatter()).reformat(frame, format='rgb24')
    return orientation_of(frame).apply(picture.to_ndarray())


@contextmanager
def _demuxer_errors() -> Iterator[list[str]]:
    """Collect what the Matroska reader says about damage: it has no other way to tell."""
    errors: list[str] = []
    with _log_lock:
        _log_settings.append((av.logging.get_level(), av.logging.get_skip_repeated()))
        av.logging.set_skip_repeated(False)
        av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as logs:
            yield errors
    finally:
        with _log_lock:
            level, skips = _log_settings.pop()  # the last thread to end has those that the first one found
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skips)
        errors += [
            text for _, name, text in logs if 'matroska' in name and any(part in text for part in _MATROSKA_DAMAGE)
        ]
