"""``mmvidext stream``: recognize a stream frame by frame."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from mmvidext.apis.frame_sources import Frame, Source
from mmvidext.apis.online_recognizer import OnlineRecognizer
from mmvidext.apis.picture_outputs import PictureWriter, check_outputs, open_pictures
from mmvidext.apis.video_recognizer import best_classes
from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    FILE,
    PATH,
    PathEndingIn,
    RunCommand,
    cfg_options_option,
    config_argument,
    device_option,
    one_line_errors,
    optional_checkpoint,
    source_options,
    stoppable_source,
)
from mmvidext.cli.score_file import ScoreFile
from mmvidext.datasets.class_names import read_class_names
from mmvidext.datasets.printable import printable
from mmvidext.drawing.pictures import draw_bars

__all__ = ['stream']

SECONDS_BETWEEN_LINES = 1.0


class Recognition:
    """Recognizes every N-th frame; forgets the stream when the size of the frames changes.

    Args:
        recognizer: The model.
        names: Of the classes.
        every: N.

    Attributes:
        count: How many frames were recognized.
        best: The best classes of the last one, with their probabilities.
    """

    def __init__(self, recognizer: OnlineRecognizer, names: list[str], *, every: int) -> None:
        self.recognizer, self.names, self.every = recognizer, names, every
        self.count, self.best = 0, list[tuple[str, float]]()
        self._seconds = 0.0
        self._size: tuple[int, ...] = ()

    @property
    def speed(self) -> str:
        """Frames per second of the model."""
        return f'{self.count / self._seconds:.1f} frames/s' if self.count else ''

    def take(self, number: int, frame: Frame) -> NDArray[np.float32] | None:
        """Take the frame of a number, from 1 on; return its scores, or None if it is not the turn of this frame.

        Raises:
            ValueError: If there are not as many names as classes.
        """
        size = frame.shape[:2]
        is_new = size != self._size
        if is_new and self._size:
            click.echo(f'frame {number} is {size} (height, width) after {self._size}: a new stream begins', err=True)
            self.recognizer.reset()
        elif not is_new and (number - 1) % self.every:
            return None
        self._size = size
        start = time.perf_counter()
        scores = self.recognizer.step(frame)
        self._seconds += time.perf_counter() - start
        self.count += 1
        if len(self.names) != len(scores):
            raise ValueError(f'--labels names {len(self.names)} classes, but the model has {len(scores)}')
        self.best = best_classes(scores, self.names, 3)
        return scores


def recognize(
    source: Source,
    recognition: Recognition,
    video: PictureWriter | None,
    score_file: ScoreFile | None,
    *,
    max_frames: int | None,
) -> None:
    """Show the running prediction until the source ends.

    Raises:
        ValueError: If there are not as many names as classes, or a frame cannot be read.
        OSError: If an output cannot be written, or the source does not come back.
    """
    last_line = 0.0
    for number, frame in enumerate(source.frames, start=1):
        scores = recognition.take(number, frame)
        if score_file is not None and scores is not None:
            score_file.write(number, scores)
        if video is not None:
            video.write(draw_bars(frame, recognition.best, note=recognition.speed))
        if time.perf_counter() - last_line > SECONDS_BETWEEN_LINES or number == source.num_frames:
            last_line = time.perf_counter()
            name = printable(recognition.best[0][0])
            place = f'{number}/{source.num_frames}' if source.num_frames else str(number)
            click.echo(f'frame {place}  {recognition.speed}  {recognition.best[0][1]:6.1%}  {name}')
        if recognition.count == max_frames:
            break


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('source')
@click.option('--out', type=PATH, help='Draw the prediction into this video, or into a folder of PNG files.')
@click.option(
    '--scores',
    type=PathEndingIn('.csv', '.json'),
    help='Write the scores of all classes to this .csv or .json file.',
)
@click.option(
    '--labels',
    type=FILE,
    help='Class names: one a line, or JSON: a list, or names and numbers.  [default: those in the checkpoint]',
)
@click.option('--every', type=click.IntRange(1), default=1, show_default=True, help='Recognize every N-th frame.')
@click.option(
    '--window', type=int, help="Number of frames whose predictions are averaged.  [default: the model's num_segments]"
)
@click.option('--max-frames', type=click.IntRange(1), help='Stop after so many recognized frames.')
@source_options
@cfg_options_option
@device_option
def stream(
    config: str,
    checkpoint: str | None,
    source: str,
    out: Path | None,
    scores: Path | None,
    labels: Path | None,
    every: int,
    window: int | None,
    max_frames: int | None,
    connect: Callable[..., Source],
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Recognize a stream frame by frame, with a CONFIG whose backbone is causal.

    SOURCE is a video, a folder of pictures, a pattern (frames/%06d.png, 'frames/*.jpg'), the number of a camera, or an
    address (rtsp://, http://, ...). The running prediction is printed, and, with --out, drawn over the pictures. When
    the size of the frames changes, a new stream begins. CHECKPOINT holds our weights or official ones; 'none' means
    random ones. Ctrl-C and SIGTERM end the stream properly: what was written until then is complete.

    Example: mmvidext stream mmvidext::tsm_causal_mobilenet_v2_jester mobilenetv2_jester_online.pth.tar 0 --every 2
    """
    with one_line_errors(), stoppable_source(source, connect) as (opened, stop):
        read = [Path(path) for path in (config, checkpoint, labels) if path]
        check_outputs((out, scores), [*opened.files, *read])
        recognizer = OnlineRecognizer(load_config(config, cfg_options), checkpoint, device=device, window=window)
        names = read_class_names(labels) if labels else recognizer.classes
        recognition = Recognition(recognizer, names, every=every)
        with ExitStack() as outputs:
            video = outputs.enter_context(open_pictures(out, opened.frame_rate)) if out else None
            score_file = outputs.enter_context(ScoreFile(scores, names)) if scores else None
            recognize(opened, recognition, video, score_file, max_frames=max_frames)
    written = [str(path) for path in (out, scores) if path]
    click.echo(', '.join([f'{recognition.count} frames recognized', *written]))
    stop.exit_if_stopped()
