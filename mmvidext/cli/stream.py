"""``mmvidext stream``: recognize a stream frame by frame."""

import time
from contextlib import nullcontext
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.apis import OnlineRecognizer
from mmvidext.apis.video_files import VideoWriter
from mmvidext.cli.class_names import read_class_names
from mmvidext.cli.config import load_config
from mmvidext.cli.frame_sources import Frame, Source, check_output, open_source
from mmvidext.cli.options import (
    RunCommand,
    cfg_options_option,
    config_argument,
    device_option,
    one_line_errors,
    optional_checkpoint,
    pick_device,
)

__all__ = ['stream']

SECONDS_BETWEEN_LINES = 1.0


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
    """Return the three best classes with their scores, a line each."""
    best = np.argsort(-scores)[:3]
    return [f'{100 * scores[index]:5.1f} %  {labels[index] if labels else f"class {index}"}' for index in best]


def recognize(
    source: Source,
    recognizer: OnlineRecognizer,
    video: VideoWriter | None,
    *,
    names: list[str],
    every: int,
    max_frames: int | None,
) -> int:
    """Show the running prediction until the source ends; return the number of frames that were recognized.

    Raises:
        ValueError: If there are not as many names as classes, or a frame cannot be read.
    """
    count, busy, last_line = 0, 0.0, 0.0
    try:
        for number, frame in enumerate(source.frames, start=1):
            if (number - 1) % every == 0:
                start = time.perf_counter()
                scores = recognizer.step(frame)
                busy += time.perf_counter() - start
                count += 1
                if names and len(names) != len(scores):
                    raise ValueError(f'--labels names {len(names)} classes, but the model has {len(scores)}')
            lines = describe(scores, names)
            if video is not None:
                video.write(draw(frame, [*lines, f'{count / busy:.1f} frames/s']))
            if time.perf_counter() - last_line > SECONDS_BETWEEN_LINES or number == source.num_frames:
                last_line = time.perf_counter()
                place = f'{number}/{source.num_frames}' if source.num_frames else str(number)
                click.echo(f'frame {place}  {count / busy:6.1f} frames/s  {lines[0]}')
            if count == max_frames:
                break
    except KeyboardInterrupt:
        click.echo('stopped')
    return count


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('source')
@click.option('--out', type=click.Path(path_type=Path), help='Draw the prediction into this .mp4, .avi or .webm.')
@click.option(
    '--labels',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Class names: one a line, or JSON: a list, or names and numbers.',
)
@click.option('--every', type=click.IntRange(1), default=1, show_default=True, help='Recognize every N-th frame.')
@click.option('--window', type=int, help="Frames to average over.  [default: the model's num_segments]")
@click.option('--max-frames', type=click.IntRange(1), help='Stop after so many recognized frames.')
@cfg_options_option
@device_option
def stream(
    config: str,
    checkpoint: str | None,
    source: str,
    out: Path | None,
    labels: Path | None,
    every: int,
    window: int | None,
    max_frames: int | None,
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Recognize a stream frame by frame, with a CONFIG whose backbone is causal.

    SOURCE is a video, a folder whose pictures are taken in the order of their names, or the number of a camera. The
    running prediction is printed, or, with --out, drawn over the picture into a video. CHECKPOINT holds our weights or
    official ones; 'none' means random ones. Ctrl-C ends the stream of a camera properly.

    Example: mmvidext stream mmvidext::tsm_causal_mobilenet_v2_jester mobilenetv2_jester_online.pth.tar 0 --every 2
    """
    with one_line_errors():
        if out is not None:
            check_output(out, Path(source))
        names = read_class_names(labels) if labels else []
        opened = open_source(source, out)
        recognizer = OnlineRecognizer(
            load_config(config, cfg_options), checkpoint, device=pick_device(device), window=window
        )
        with VideoWriter(out, opened.frame_rate) if out is not None else nullcontext() as video:
            count = recognize(opened, recognizer, video, names=names, every=every, max_frames=max_frames)
    click.echo(f'{count} frames recognized' + (f', {out}' if out else ''))
