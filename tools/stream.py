"""Recognise a stream frame by frame: a video file, a folder of frames, or a camera.

    python tools/stream.py CONFIG CHECKPOINT SOURCE [--out VIDEO] [--labels FILE] [--every N] [--device cuda]

SOURCE is a video, a folder whose pictures are taken in the order of their names, or the number of a camera. The running
prediction is printed, or, with --out, drawn over the picture into a video. Ctrl-C ends a camera's stream properly.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmvidext.apis import OnlineRecognizer

Frame = NDArray[np.uint8]
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.webp')
SECONDS_BETWEEN_LINES = 1.0


def read_labels(path: Path) -> list[str]:
    """Read class names: one per line, or a JSON file that gives each name its number, as Something-Something's."""
    text = path.read_text(encoding='utf-8-sig')
    if path.suffix == '.json':
        numbers = json.loads(text)
        return sorted(numbers, key=lambda name: int(numbers[name]))
    return text.splitlines()


def read_folder(folder: Path) -> tuple[Iterator[Frame], int, float]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        sys.exit(f'error: {folder} holds no picture ({", ".join(PICTURES)})')

    def frames() -> Iterator[Frame]:
        for path in paths:
            picture = cv2.imread(str(path))
            if picture is None:
                sys.exit(f'error: {path} cannot be read as a picture')
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    return frames(), len(paths), 12.0


def read_video(source: str) -> tuple[Iterator[Frame], int, float]:
    if not source.isdecimal() and not Path(source).is_file():
        sys.exit(f'error: there is no video, folder or camera {source}')
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    if not capture.isOpened():
        sys.exit(f'error: {source} cannot be opened as a {"camera" if source.isdecimal() else "video"}')

    def frames() -> Iterator[Frame]:
        while True:
            read, picture = capture.read()
            if not read:
                capture.release()
                return
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    count = 0 if source.isdecimal() else max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    return frames(), count, capture.get(cv2.CAP_PROP_FPS) or 25.0


def open_source(source: str) -> tuple[Iterator[Frame], int, float]:
    """Return the frames (RGB), how many there are (0 if unknown), and how many belong to a second."""
    return read_folder(Path(source)) if Path(source).is_dir() else read_video(source)


def draw(frame: Frame, lines: list[str]) -> Frame:
    """Write lines of text over the top of a picture."""
    height, width = frame.shape[:2]
    scale = max(width / 640, 0.35)
    step = int(28 * scale)
    picture = frame.copy()
    picture[: min(step * len(lines) + step // 2, height)] //= 3
    for number, line in enumerate(lines, start=1):
        place = (int(8 * scale), step * number)
        cv2.putText(picture, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * scale, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


class VideoFile(AbstractContextManager['VideoFile']):
    """Writes frames to a video, which is opened with the first one."""

    def __init__(self, path: Path | None, fps: float) -> None:
        self.path, self.fps = path, fps
        self.writer: Any = None

    def write(self, frame: Frame) -> None:
        """Append an RGB frame."""
        if self.path is None:
            return
        if self.writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            codec = cv2.VideoWriter_fourcc(*('VP90' if self.path.suffix == '.webm' else 'mp4v'))
            self.writer = cv2.VideoWriter(str(self.path), codec, self.fps, (frame.shape[1], frame.shape[0]))
            if not self.writer.isOpened():
                sys.exit(f'error: {self.path} cannot be written: use .mp4 or .webm')
        self.writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def __exit__(self, *error: object) -> None:
        if self.writer is not None:
            self.writer.release()


def describe(scores: NDArray[np.float32], labels: list[str]) -> list[str]:
    best = np.argsort(-scores)[:3]
    return [f'{100 * scores[index]:5.1f} %  {labels[index] if labels else f"class {index}"}' for index in best]


def run(args: argparse.Namespace) -> int:
    """Stream, and return the number of frames that were recognised."""
    labels = read_labels(args.labels) if args.labels else []
    frames, total, fps = open_source(args.source)
    recognizer = OnlineRecognizer(args.config, args.checkpoint, device=args.device, window=args.window)
    count, busy, last_line = 0, 0.0, 0.0
    with VideoFile(args.out, fps) as video:
        try:
            for number, frame in enumerate(frames, start=1):
                if args.max_frames and count >= args.max_frames:
                    break
                if (number - 1) % args.every == 0:
                    start = time.perf_counter()
                    scores = recognizer.step(frame)
                    busy += time.perf_counter() - start
                    count += 1
                    if labels and len(labels) != len(scores):
                        sys.exit(f'error: {args.labels} names {len(labels)} classes, but the model has {len(scores)}')
                lines = describe(scores, labels)
                video.write(draw(frame, [*lines, f'{count / busy:.1f} frames/s']))
                if time.perf_counter() - last_line > SECONDS_BETWEEN_LINES or number == total:
                    last_line = time.perf_counter()
                    place = f'{number}/{total}' if total else str(number)
                    print(f'frame {place}  {count / busy:6.1f} frames/s  {lines[0]}', flush=True)
        except KeyboardInterrupt:
            print('stopped')
    return count


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='config with causal=True in its backbone')
    parser.add_argument('checkpoint', help="weights, ours or official; 'none' for random ones")
    parser.add_argument('source', help='video file, folder of frames, or number of a camera')
    parser.add_argument('--out', type=Path, help='video to draw the prediction into (.mp4 or .webm)')
    parser.add_argument('--labels', type=Path, help='class names: one per line, or a JSON file of names and numbers')
    parser.add_argument('--every', type=int, default=1, help='recognise every N-th frame (default: %(default)s)')
    parser.add_argument('--window', type=int, help="frames to average over (default: the model's num_segments)")
    parser.add_argument('--max-frames', type=int, help='stop after so many recognised frames')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, ... (default: %(default)s)')
    return parser


def main(arguments: list[str] | None = None) -> None:
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.every < 1:
        parser.error(f'--every must be at least 1, not {args.every}')
    args.checkpoint = None if args.checkpoint == 'none' else args.checkpoint
    try:
        count = run(args)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f'error: {error}')
    print(f'{count} frames recognised' + (f', {args.out}' if args.out else ''))


if __name__ == '__main__':
    main()
