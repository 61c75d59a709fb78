"""What the commands that run Deep Feature Flow on a stream share: when key frames come, progress, the last line."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from mmengine.utils import ProgressBar

from mmvidext.cli.options import FiniteRange
from mmvidext.cli.unused_options import refuse_unused

if TYPE_CHECKING:
    from mmvidext.apis.video_stream import VideoReport
    from mmvidext.models.propagation import KeyFramePolicy

__all__ = ['FrameProgress', 'echo_report', 'key_frame_options', 'key_frame_policy']


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


def key_frame_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets ``make_policy``, which returns the policy, or None for the model's own."""

    @click.option(
        '--key-frame-interval',
        type=int,
        help="Number of frames from one key frame to the next.  [default: the config's]",
    )
    @click.option(
        '--adaptive',
        type=FiniteRange(0),
        metavar='THRESHOLD',
        help='Choose key frames by the motion: a frame becomes one where its residual is above this.',
    )
    @click.option(
        '--max-interval',
        type=int,
        default=30,
        show_default=True,
        help='Largest number of frames between key frames with --adaptive.',
    )
    @wraps(function)
    def command(
        *args: Any, key_frame_interval: int | None, adaptive: float | None, max_interval: int, **kwargs: Any
    ) -> Any:
        if adaptive is not None and key_frame_interval is not None:
            raise click.UsageError('give either --key-frame-interval or --adaptive, not both')
        if adaptive is None:
            refuse_unused('is for --adaptive: give both', 'max_interval')
        make_policy = partial(key_frame_policy, key_frame_interval, adaptive, max_interval)
        return function(*args, make_policy=make_policy, **kwargs)

    return command


def echo_report(report: 'VideoReport', seconds: float, out: Path | None) -> None:
    """Say what was done, and how fast."""
    where = '' if out is None else f': {out}'
    click.echo(
        f'\n{report.num_frames} frames, {report.num_key_frames} of them key frames, in {seconds:.1f} s '
        f'({report.num_frames / seconds:.2f} fps){where}'
    )


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
