"""``mmvidext segment``: segment a video."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.apis.video_segmentor import VideoSegmentor
from mmvidext.cli.config import load_config
from mmvidext.cli.key_frames import FrameProgress, echo_report, key_frame_options
from mmvidext.cli.options import (
    PATH,
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

__all__ = ['segment']


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('source')
@click.argument('out', type=PATH)
@click.option(
    '--masks', type=PATH, metavar='FOLDER', help='Write the class of each pixel, as PNG files, to this folder.'
)
@click.option(
    '--label-video', type=PATH, help='Write the colors of the classes, without the frames, to this video or folder.'
)
@click.option(
    '--legend/--no-legend',
    default=True,
    show_default=True,
    help='Draw the names of the classes into each frame, or do not.',
)
@key_frame_options
@source_options
@cfg_options_option
@device_option
def segment(
    config: str,
    checkpoint: str | None,
    source: str,
    out: Path,
    masks: Path | None,
    label_video: Path | None,
    legend: bool,
    make_policy: Callable[[], 'KeyFramePolicy | None'],
    connect: Callable[..., Source],
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Segment SOURCE with Deep Feature Flow and lay the labels over its frames in OUT.

    SOURCE is a video, a folder of pictures, a pattern (frames/%06d.png, 'frames/*.jpg'), the number of a camera, or an
    address (rtsp://, http://, ...). OUT, and --label-video, are videos (.mp4, .mkv, .webm, .avi), or folders of PNG
    files. Key frames have a yellow border, and a legend names the classes. What was done when the source breaks off, or
    when Ctrl-C or SIGTERM comes, is kept: the videos are closed and playable. A CHECKPOINT of 'none' means random
    weights.

    Example: mmvidext segment mmvidext::dff_pspnet_r101_cityscapes dff.pth in.mp4 out.mp4 --key-frame-interval 10
    """
    with one_line_errors(), stoppable_source(source, connect) as (opened, stop):
        read = [Path(path) for path in (config, checkpoint) if path]
        check_outputs((out, masks, label_video), [*opened.files, *read])
        loaded = load_config(config, cfg_options)
        segmentor = VideoSegmentor(loaded, checkpoint, device=device, policy=make_policy())
        start = time.perf_counter()
        report = segmentor.segment_video(
            opened, out, masks=masks, label_video=label_video, legend=legend, on_frame=FrameProgress()
        )
    echo_report(report, time.perf_counter() - start, out)
    stop.exit_if_stopped()
