"""Read and write video files frame by frame, RGB."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

__all__ = ['VideoReader', 'VideoWriter']

_CODECS = {'.mp4': 'mp4v', '.avi': 'MJPG', '.webm': 'VP90'}


class VideoReader:
    """Frames of a video, ``uint8 (H, W, 3)``, RGB; notices when the file ends before the last frame that it declares.

    Args:
        path: The video.
        written_to: Where the caller puts what it makes of the frames, for the message.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no readable video; while iterating, if it is truncated.
    """

    def __init__(self, path: str | Path, *, written_to: str | Path | None = None) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(f'there is no video {path}')
        self.path = path
        self.written_to = written_to
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise ValueError(f'{path} is not a video that OpenCV can read, or its index is missing: record it again')
        self.num_declared = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frame_rate = self._capture.get(cv2.CAP_PROP_FPS) or 25.0

    def __enter__(self) -> 'VideoReader':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[np.ndarray]:
        num_read = 0
        while True:
            success, frame = self._capture.read()
            if not success:
                break
            num_read += 1
            yield frame[..., ::-1].copy()
        # some containers declare a duration, from which the last frame's number follows to within one
        if num_read < self.num_declared - 1:
            kept = f'; the {num_read} frames before it are in {self.written_to}' if self.written_to else ''
            raise ValueError(
                f'{self.path} is truncated: frame {num_read + 1} of {self.num_declared} cannot be read{kept}'
            )


class VideoWriter:
    """Writes frames to a video; the codec follows from the suffix, and the size from the first frame.

    Args:
        path: ``.mp4``, ``.avi`` or ``.webm``. Missing folders are made.
        frame_rate: Frames per second.

    Raises:
        ValueError: If the suffix is another one; when writing, if OpenCV lacks the codec, or a frame has another size
            than the first one.
    """

    def __init__(self, path: str | Path, frame_rate: float) -> None:
        self.path = Path(path)
        self.frame_rate = frame_rate
        if self.path.suffix.lower() not in _CODECS:
            raise ValueError(f'the output must end in one of {tuple(_CODECS)}, but it is {path}')
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, ...] = ()
        self._num_written = 0

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, RGB ``uint8 (H, W, 3)``."""
        if self._writer is None:
            self._writer = self._open(frame.shape[1], frame.shape[0])
            self._size = frame.shape[:2]
        if frame.shape[:2] != self._size:  # OpenCV would drop it without a word
            raise ValueError(
                f'the frames of a video have one size, but frame {self._num_written + 1} for {self.path} is '
                f'{frame.shape[:2]} (height, width) after frames of {self._size}'
            )
        self._writer.write(frame[..., ::-1])
        self._num_written += 1

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        codec = _CODECS[self.path.suffix.lower()]
        writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*codec), self.frame_rate, (width, height))
        if not writer.isOpened():
            raise ValueError(
                f'OpenCV cannot write {self.path} with codec {codec}: choose another suffix, such as .avi, and import '
                'cv2 before decord, whose FFmpeg it would find otherwise'
            )
        return writer
