"""``mmvidext segment``: segment a video."""

import time
from pathlib import Path

import click
from mmengine.utils import ProgressBar

from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    RunCommand,
    cfg_options_option,
    config_argument,
    device_option,
    one_line_errors,
    optional_checkpoint,
    pick_device,
)

__all__ = ['segment']


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint', callback=optional_checkpoint)
@click.argument('video', type=click.Path(path_type=Path))
@click.argument('out', type=click.Path(path_type=Path))
@click.option('--key-frame-interval', type=int, help="Frames from key frame to key frame.  [default: the config's]")
@click.option('--adaptive', type=float, metavar='THRESHOLD', help='Residual above which a key frame comes.')
@click.option('--max-interval', type=int, default=30, show_default=True, help='Longest interval with --adaptive.')
@cfg_options_option
@device_option
def segment(
    config: str,
    checkpoint: str | None,
    video: Path,
    out: Path,
    key_frame_interval: int | None,
    adaptive: float | None,
    max_interval: int,
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Segment VIDEO with Deep Feature Flow and lay the labels over its frames in OUT (.mp4, .avi or .webm).

    Key frames have a yellow border. If the video is truncated, what was done is kept: OUT is closed and playable, and
    the message names the frame. A CHECKPOINT of 'none' means random weights.

    Example: mmvidext segment mmvidext::dff_pspnet_r101_cityscapes dff.pth in.mp4 out.mp4 --key-frame-interval 10
    """
    from mmvidext.apis import VideoSegmentor
    from mmvidext.models.propagation import AdaptiveInterval, FixedInterval

    if adaptive is not None and key_frame_interval is not None:
        raise click.UsageError('give either --key-frame-interval or --adaptive, not both')
    with one_line_errors():
        policy: AdaptiveInterval | FixedInterval | None = None
        if adaptive is not None:
            policy = AdaptiveInterval(adaptive, max_interval=max_interval)
        elif key_frame_interval is not None:
            policy = FixedInterval(key_frame_interval)
        segmentor = VideoSegmentor(
            load_config(config, cfg_options), checkpoint, device=pick_device(device), policy=policy
        )
        start = time.perf_counter()
        report = segmentor.segment_video(video, out, on_frame=FrameProgress())
    seconds = time.perf_counter() - start
    click.echo(
        f'\n{report.num_frames} frames, {report.num_key_frames} of them key frames, in {seconds:.1f} s '
        f'({report.num_frames / seconds:.2f} fps): {out}'
    )


class FrameProgress:
    """Shows a progress bar, whose length is known when the first frame has been read."""

    def __init__(self) -> None:
        self.bar = ProgressBar(start=False)

    def __call__(self, number: int, announced: int) -> None:
        """Advance by one frame."""
        if number == 1:
            self.bar.task_num = max(announced, 1)
            self.bar.start()
        self.bar.update()
