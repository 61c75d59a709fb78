"""``mmvidext detect``: find the objects of a video."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.cli.config import load_config
from mmvidext.cli.key_frames import FrameProgress, echo_report, key_frame_options
from mmvidext.cli.options import (
    PATH,
    FiniteRange,
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

if TYPE_CHECKING:
    from mmvidext.models.propagation import KeyFramePolicy

__all__ = ['detect']


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('source')
@click.argument('out', type=PATH)
@click.option(
    '--boxes', type=PathEndingIn('.jsonl'), help='Write the boxes, a JSON line for each frame, to this .jsonl file.'
)
@click.option(
    '--score',
    type=FiniteRange(0, 1),
    default=0.3,
    show_default=True,
    help='Lowest score of a box that is drawn and written.',
)
@key_frame_options
@source_options
@cfg_options_option
@device_option
def detect(
    config: str,
    checkpoint: str | None,
    source: str,
    out: Path,
    boxes: Path | None,
    score: float,
    make_policy: Callable[[], 'KeyFramePolicy | None'],
    connect: Callable[..., Source],
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Find the objects of SOURCE with Deep Feature Flow and draw them into its frames in OUT.

    SOURCE is a video, a folder of pictures, a pattern (frames/%06d.png, 'frames/*.jpg'), the number of a camera, or an
    address (rtsp://, http://, ...). OUT is a video (.mp4, .mkv, .webm, .avi), or a folder of PNG files. Key frames have
    a yellow border. What was done when the source breaks off, or when Ctrl-C or SIGTERM comes, is kept: the video is
    closed and playable. A CHECKPOINT of 'none' means random weights.

    Example: mmvidext detect mmvidext::dff_rfcn_r101_vid dff.pth in.mp4 out.mp4 --boxes boxes.jsonl --score 0.5
    """
    with one_line_errors():
        from mmvidext.apis.video_detector import VideoDetector

    with one_line_errors(), stoppable_source(source, connect) as (opened, stop):
        read = [Path(path) for path in (config, checkpoint) if path]
        check_outputs((out, boxes), [*opened.files, *read])
        detector = VideoDetector(load_config(config, cfg_options), checkpoint, device=device, policy=make_policy())
        start = time.perf_counter()
        report = detector.detect_video(opened, out, box_file=boxes, score=score, on_frame=FrameProgress())
    echo_report(report, time.perf_counter() - start, out)
    stop.exit_if_stopped()
