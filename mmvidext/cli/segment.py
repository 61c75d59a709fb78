"""``mmvidext segment``: segment a video."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from mmengine.utils import ProgressBar

from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.cli.config import load_config
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


def key_frame_policy(
    key_frame_interval: int | None, adaptive: float | None, max_interval: int
) -> 'KeyFramePolicy | None':
    """Return when key frames come; None leaves it to the model.

    Raises:
        ValueError: If a number is out of its range.
    """
    from mmvidext.models.propagation import AdaptiveInterval, FixedInterval

    if adaptive is not None:
        return AdaptiveInterval(adaptive, max_interval=max_interval)
    return None if key_frame_interval is None else FixedInterval(key_frame_interval)


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('source')
@click.argument('out', type=PATH)
@click.option('--masks', type=PATH, metavar='FOLDER', help='Write the classes of the pixels, PNG.')
@click.option('--label-video', type=PATH, help='Write the colors of the classes, without the frames.')
@click.option('--legend/--no-legend', default=True, show_default=True, help='Name the classes of a frame in it.')
@click.option('--key-frame-interval', type=int, help="Frames from key frame to key frame.  [default: the config's]")
@click.option('--adaptive', type=float, metavar='THRESHOLD', help='Residual above which a key frame comes.')
@click.option('--max-interval', type=int, default=30, show_default=True, help='Longest interval with --adaptive.')
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
    key_frame_interval: int | None,
    adaptive: float | None,
    max_interval: int,
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
    from mmvidext.apis import VideoSegmentor

    if adaptive is not None and key_frame_interval is not None:
        raise click.UsageError('give either --key-frame-interval or --adaptive, not both')
    with one_line_errors(), stoppable_source(source, connect) as (opened, stop):
        read = [Path(path) for path in (config, checkpoint) if path]
        check_outputs((out, masks, label_video), [*opened.files, *read])
        policy = key_frame_policy(key_frame_interval, adaptive, max_interval)
        segmentor = VideoSegmentor(load_config(config, cfg_options), checkpoint, device=device, policy=policy)
        start = time.perf_counter()
        report = segmentor.segment_video(
            opened, out, masks=masks, label_video=label_video, legend=legend, on_frame=FrameProgress()
        )
    seconds = time.perf_counter() - start
    click.echo(
        f'\n{report.num_frames} frames, {report.num_key_frames} of them key frames, in {seconds:.1f} s '
        f'({report.num_frames / seconds:.2f} fps): {out}'
    )
    stop.exit_if_stopped()


class FrameProgress:
    """Shows a progress bar, whose length is known when the first frame has been read."""

    def __init__(self) -> None:
        self.bar = ProgressBar(start=False)

    def __call__(self, number: int, total: int) -> None:
        """Advance by one frame."""
        if number == 1:
            self.bar.task_num = total
            self.bar.start()
        self.bar.update()
