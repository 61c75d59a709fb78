"""Decode a video that somebody sent in a process of its own, which the file may kill, and take the frames from it.

Both processes exchange bytes and JSON only: a decoder that was taken over cannot make this process run anything.
"""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from mmvidext.app.limits import Limits
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.video_file import VideoFile, plausible_rate, upright_rgb

__all__ = ['FrameProcess', 'decode_into', 'start_frame_server']

_MOST_MEMORY = 4 * 2**30  # bytes of the decoding process
_LONGEST_HEADER = 10_000

Frame = NDArray[np.uint8]
Decode = Callable[[str, Connection, Limits], None]


def _context() -> Any:
    """Return the way to start a process: as a copy of a small server without threads, where the system can."""
    has_server = 'forkserver' in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context('forkserver' if has_server else 'spawn')
    if has_server:
        context.set_forkserver_preload([__name__])
    return context


def start_frame_server() -> None:
    """Import what decoding needs ahead of the first video, in the background."""
    context = _context()
    if context.get_start_method() == 'forkserver':
        from multiprocessing.forkserver import ensure_running

        ensure_running()


def decode_into(path: str, connection: Connection, limits: Limits) -> None:
    """Decode a video and send it: what it is, then each frame, its shape before its bytes. Runs in the child.

    Args:
        path: The video.
        connection: Where to.
        limits: What is refused, and how large frames may be.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C here, too; the page ends this process
    _limit_resources()
    try:
        video = VideoFile(path)
        rate = plausible_rate(video.frame_rate)
        _check_length(video.num_frames, rate, limits)
        _send(connection, num_frames=video.num_frames, frame_rate=rate)
        converter = VideoReformatter()
        for number, frame in enumerate(video.decode(), start=1):
            if number > limits.max_frames:
                raise BadFileError(f'it has more than {limits.max_frames} frames')
            picture = _fitted(upright_rgb(frame, converter), limits.max_side)
            _send(connection, shape=picture.shape)
            connection.send_bytes(picture.tobytes())
        _send(connection, end=True)
    except (BadFileError, MemoryError) as error:
        # the page tells what is wrong, and no path of this machine
        text = str(error) or 'it needs too much memory'
        _send(connection, error=text.replace(path, 'the video').replace(Path(path).name, 'the video'))
    except BrokenPipeError:  # nobody wants the frames any more
        pass


def _check_length(num_frames: int, rate: float, limits: Limits) -> None:
    if num_frames > limits.max_frames or num_frames > limits.max_seconds * rate:
        raise BadFileError(
            f'the video has {num_frames} frames ({num_frames / rate:.0f} s), but at most {limits.max_frames} frames '
            f'and {limits.max_seconds:g} s are taken: cut it'
        )


def _limit_resources() -> None:
    """Let this process allocate so much, write no file and leave no core dump; Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (('RLIMIT_DATA', _MOST_MEMORY), ('RLIMIT_FSIZE', 0), ('RLIMIT_CORE', 0)):
        number = getattr(resource, kind)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _fitted(frame: Frame, max_side: int) -> Frame:
    scale = max_side / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = [max(1, round(length * scale)) for length in frame.shape[1::-1]]
    return np.ascontiguousarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _send(connection: Connection, **header: Any) -> None:
    connection.send_bytes(json.dumps(header).encode())


@contextmanager
def _understood() -> Iterator[None]:
    """Take what is not in the form of this module, in the block, for a video that made the decoder send it."""
    try:
        yield
    except BadFileError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise BadFileError('the video cannot be decoded: the decoder sends what is no frame') from error


class FrameProcess:
    """A process that decodes one video; it ends with the ``with`` block.

    Args:
        path: The video.
        limits: What is refused, and how large frames may be.
        decode: Runs in the process.

    Attributes:
        num_frames: How many frames there are.
        frame_rate: Frames per second.

    Raises:
        BadFileError: If the video cannot be read, is too long, kills the process or takes too long; also while the
            frames are read. The message has no path.
    """

    def __init__(self, path: str | Path, limits: Limits, *, decode: Decode = decode_into) -> None:
        self._limits = limits
        context = _context()
        self._connection, other = context.Pipe(duplex=False)
        self._process = context.Process(target=decode, args=(str(path), other, limits), daemon=True)
        self._process.start()
        other.close()
        try:
            with _understood():
                header = self._receive()
                self.num_frames, self.frame_rate = int(header['num_frames']), float(header['frame_rate'])
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> 'FrameProcess':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.kill()
        self._process.join()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, RGB ``uint8 (H, W, 3)``."""
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        with _understood():
            header = self._receive()
            if 'end' in header:
                return None
            height, width, depth = (int(length) for length in header['shape'])
            content = self._read(height * width * depth)
            return np.frombuffer(content, np.uint8).reshape(height, width, depth).copy()

    def _receive(self) -> dict[str, Any]:
        header: dict[str, Any] = json.loads(self._read(_LONGEST_HEADER))
        if 'error' in header:
            raise BadFileError(str(header['error']))
        return header

    def _read(self, longest: int) -> bytes:
        try:
            if not self._connection.poll(self._limits.max_silence):
                raise BadFileError(f'the video takes longer than {self._limits.max_silence:g} s to decode a frame')
            return self._connection.recv_bytes(longest)
        except (EOFError, OSError) as error:
            raise BadFileError(f'the video cannot be decoded: the decoder {self._end()}') from error

    def _end(self) -> str:
        self._process.join(self._limits.max_silence)
        code = self._process.exitcode or 0
        return f'crashed ({signal.Signals(-code).name})' if code < 0 else 'stopped'
