"""Frames from a camera or a network address, which may fail and come back."""

from collections.abc import Callable, Iterator

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmvidext.apis.video_files import check_frame_size, decode
from mmvidext.datasets.media.video_file import plausible_rate, upright_rgb

__all__ = ['open_camera', 'open_url']

Frame = NDArray[np.uint8]
Stream = tuple[Iterator[Frame], int, float]  # frames, how many (0: unknown), and how many a second

SCHEMES = ('http', 'https', 'rtmp', 'rtmps', 'rtp', 'rtsp', 'rtsps', 'srt', 'tcp', 'udp')
# what an address may lead to: a playlist must not reach local files
_PROTOCOLS = 'crypto,data,hls,http,httpproxy,https,rtmp,rtmps,rtp,rtsp,rtsps,srt,tcp,tls,udp'
_LONGEST_PAUSE = 8.0  # seconds


def open_url(url: str, *, timeout: float, reconnects: int, wait: Callable[[float], object]) -> Stream:
    """Open a network address; see :func:`mmvidext.apis.frame_sources.open_source`.

    Raises:
        ValueError: If the scheme is unknown, or what comes is not a video, or one of too large frames.
        OSError: If it does not answer.
    """
    scheme = url.partition('://')[0].lower()
    if scheme not in SCHEMES:
        raise ValueError(f'{url} is not the address of a stream: one begins with {", ".join(SCHEMES)}')
    options = {'protocol_whitelist': _PROTOCOLS}
    if scheme.startswith('rtsp'):
        options['rtsp_transport'] = 'tcp'  # over udp packets get lost

    def connect() -> av.container.InputContainer:
        try:
            container = av.open(url, options=options, timeout=timeout, metadata_errors='replace')
        except av.FFmpegError as error:
            raise ConnectionError(f'{url} cannot be opened: {error.strerror or error}') from error
        try:
            _check_video(container, url)
        except ValueError:
            container.close()
            raise
        return container

    def reconnect() -> Iterator[Frame]:
        container = connect()
        if (duration := container.duration) is not None:  # such as a notice, which would be played over and over
            container.close()
            raise ValueError(f'{url} gives a video of {duration / av.time_base:.1f} s, no live stream')
        return _frames_of(container, url)

    container = connect()
    stream = container.streams.video[0]
    num_frames, frame_rate = stream.frames, plausible_rate(stream.average_rate)
    frames = _frames_of(container, url)
    if container.duration is None:
        frames = _reconnecting(frames, reconnect, reconnects=reconnects, wait=wait)
    return frames, num_frames, frame_rate


def _check_video(container: av.container.InputContainer, url: str) -> None:
    if not container.streams.video:
        raise ValueError(f'{url} has no video stream')
    codec = container.streams.video[0].codec_context
    if codec is not None:
        check_frame_size(url, codec.width, codec.height)


def _frames_of(container: av.container.InputContainer, url: str) -> Iterator[Frame]:
    count, seconds, is_live = 0, 0.0, container.duration is None
    stated, duration = container.streams.video[0].frames, (container.duration or 0) / av.time_base
    converter = VideoReformatter()
    with container:
        try:
            for frame in decode(container, is_live=is_live):
                count += 1
                seconds = frame.time or seconds
                yield upright_rgb(frame, converter)
        except av.FFmpegError as error:
            raise ConnectionError(f'{url} broke off after {count} frames: {error.strerror or error}') from error
        except ValueError as error:  # a frame that is too large
            if not is_live:
                raise
            raise ConnectionError(f'{error}; {url} broke off after {count} frames') from error
    if is_live:
        raise ConnectionError(f'{url} ended after {count} frames')
    if count < 0.9 * stated - 1 or (not stated and seconds < 0.5 * duration):
        raise ConnectionError(f'{url} broke off after {count} frames, {seconds:.1f} of {duration:.1f} seconds')


def open_camera(number: int, *, reconnects: int, wait: Callable[[float], object]) -> Stream:
    """Open a camera; see :func:`mmvidext.apis.frame_sources.open_source`.

    Raises:
        ConnectionError: If it cannot be opened.
    """

    def connect() -> tuple[Iterator[Frame], float]:
        capture = cv2.VideoCapture(number)
        if not capture.isOpened():
            raise ConnectionError(f'camera {number} cannot be opened')
        return _frames_of_camera(capture, number), plausible_rate(capture.get(cv2.CAP_PROP_FPS))

    frames, frame_rate = connect()
    frames = _reconnecting(frames, lambda: connect()[0], reconnects=reconnects, wait=wait)
    return frames, 0, frame_rate


def _frames_of_camera(capture: cv2.VideoCapture, number: int) -> Iterator[Frame]:
    try:
        while True:
            success, picture = capture.read()
            if not success:
                raise ConnectionError(f'camera {number} gives no frame')
            yield np.ascontiguousarray(picture[..., ::-1], np.uint8)
    finally:
        capture.release()


def _reconnecting(
    frames: Iterator[Frame],
    connect: Callable[[], Iterator[Frame]],
    *,
    reconnects: int,
    wait: Callable[[float], object],
) -> Iterator[Frame]:
    """Yield frames, and connect again when they end; a frame that comes clears the count of failures."""
    failures = 0
    while True:
        try:
            for frame in frames:
                failures = 0
                yield frame
        except OSError as error:
            problem = error
        failures += 1
        if failures > reconnects:
            raise ConnectionError(f'{problem}; it did not come back in {reconnects} attempts') from problem
        pause = min(0.5 * 2 ** (failures - 1), _LONGEST_PAUSE)
        print_log(f'{problem}; attempt {failures} of {reconnects} to reconnect in {pause} s', logger='current')
        if wait(pause):
            return
        frames = _connect_later(connect)


def _connect_later(connect: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
    """Connect when the first frame is asked for, so that a failure to connect is one of reading."""
    try:
        yield from connect()
    except ValueError as error:  # it was a live stream before, and may be one again
        raise ConnectionError(str(error)) from error
