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
from contextlib import nullcontext, suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmvidext.apis import OnlineRecognizer
from mmvidext.apis.video_files import VideoReader, VideoWriter

Frame = NDArray[np.uint8]
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.webp')
SECONDS_BETWEEN_LINES = 1.0


def read_labels(path: Path) -> list[str]:
    """Read class names: one per line, or JSON: a list, names with numbers (Something-Something), or the reverse."""
    text = path.read_text(encoding='utf-8-sig')
    if path.suffix != '.json':
        return text.splitlines()
    with suppress(json.JSONDecodeError):
        content = json.loads(text)
        if isinstance(content, list) and all(isinstance(name, str) for name in content):
            return content
        if isinstance(content, dict):
            for pairs in (content.items(), [(name, number) for number, name in content.items()]):
                if all(isinstance(name, str) and str(number).isdecimal() for name, number in pairs):
                    return [name for name, _ in sorted(pairs, key=lambda pair: int(pair[1]))]
    raise ValueError(
        f'{path} must be a JSON list of class names, or a JSON object that gives each name its number or each number '
        'its name'
    )


def read_folder(folder: Path) -> tuple[Iterator[Frame], int, float]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        sys.exit(f'error: {folder} holds no picture ({", ".join(PICTURES)})')

    def frames() -> Iterator[Frame]:
        size: tuple[int, ...] = ()
        for number, path in enumerate(paths, start=1):
            picture = cv2.imread(str(path))
            if picture is None:
                sys.exit(f'error: {path} cannot be read as a picture')
            size = size or picture.shape[:2]
            if picture.shape[:2] != size:
                sys.exit(
                    f'error: picture {number}, {path}, is {picture.shape[:2]} (height, width), but those before it are '
                    f'{size}: a stream has one size'
                )
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    return frames(), len(paths), 12.0


def read_camera(number: int) -> tuple[Iterator[Frame], int, float]:
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        sys.exit(f'error: camera {number} cannot be opened')

    def frames() -> Iterator[Frame]:
        while True:
            read, picture = capture.read()
            if not read:
                capture.release()
                return
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    return frames(), 0, capture.get(cv2.CAP_PROP_FPS) or 25.0


def open_source(source: str, out: Path | None = None) -> tuple[Iterator[Frame], int, float]:
    """Return the frames (RGB), how many there are (0 if unknown), and how many belong to a second."""
    if Path(source).is_dir():
        return read_folder(Path(source))
    if source.isdecimal():
        return read_camera(int(source))
    if not Path(source).is_file():
        sys.exit(f'error: there is no video, folder or camera {source}')
    reader = VideoReader(source, written_to=out)
    return iter(reader), max(reader.num_announced, 0), reader.frame_rate


def check_output(out: Path, source: Path) -> None:
    """Refuse to write over what is read.

    Raises:
        ValueError: If ``out`` is the source, or one of its pictures, under whatever name.
    """
    for path in source.iterdir() if source.is_dir() else [source]:
        if out.exists() and path.exists() and out.samefile(path):
            raise ValueError(f'--out {out} would overwrite {path}, which is read: name another file')


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


def describe(scores: NDArray[np.float32], labels: list[str]) -> list[str]:
    best = np.argsort(-scores)[:3]
    return [f'{100 * scores[index]:5.1f} %  {labels[index] if labels else f"class {index}"}' for index in best]


def run(args: argparse.Namespace) -> int:
    """Stream, and return the number of frames that were recognised."""
    if args.out is not None:
        check_output(args.out, Path(args.source))
    labels = read_labels(args.labels) if args.labels else []
    frames, total, fps = open_source(args.source, args.out)
    recognizer = OnlineRecognizer(args.config, args.checkpoint, device=args.device, window=args.window)
    count, busy, last_line = 0, 0.0, 0.0
    with VideoWriter(args.out, fps) if args.out is not None else nullcontext() as video:
        try:
            for number, frame in enumerate(frames, start=1):
                if (number - 1) % args.every == 0:
                    start = time.perf_counter()
                    scores = recognizer.step(frame)
                    busy += time.perf_counter() - start
                    count += 1
                    if args.labels and len(labels) != len(scores):
                        sys.exit(f'error: {args.labels} names {len(labels)} classes, but the model has {len(scores)}')
                lines = describe(scores, labels)
                if video is not None:
                    video.write(draw(frame, [*lines, f'{count / busy:.1f} frames/s']))
                if time.perf_counter() - last_line > SECONDS_BETWEEN_LINES or number == total:
                    last_line = time.perf_counter()
                    place = f'{number}/{total}' if total else str(number)
                    print(f'frame {place}  {count / busy:6.1f} frames/s  {lines[0]}', flush=True)
                if count == args.max_frames:
                    break
        except KeyboardInterrupt:
            print('stopped')
    return count


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='config with causal=True in its backbone')
    parser.add_argument('checkpoint', help="weights, ours or official; 'none' for random ones")
    parser.add_argument('source', help='video file, folder of frames, or number of a camera')
    parser.add_argument('--out', type=Path, help='video to draw the prediction into (.mp4, .avi or .webm)')
    parser.add_argument('--labels', type=Path, help='class names: one per line, or JSON: a list, or names and numbers')
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
    if args.max_frames is not None and args.max_frames < 1:
        parser.error(f'--max-frames must be at least 1, not {args.max_frames}')
    args.checkpoint = None if args.checkpoint == 'none' else args.checkpoint
    try:
        count = run(args)
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    print(f'{count} frames recognised' + (f', {args.out}' if args.out else ''))


if __name__ == '__main__':
    main()
