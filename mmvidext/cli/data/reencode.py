"""``mmvidext data reencode``: copies of videos that decode fast."""

from pathlib import Path

import click

from mmvidext.cli.options import PATH, FiniteRange, one_line_errors, workers_option
from mmvidext.cli.unused_options import refuse_unused
from mmvidext.datasets.media.reencode import Encoding, encoder_name
from mmvidext.datasets.reencoding import FAILURES, VIDEOS, Reencoding, reencode_videos

__all__ = ['reencode']

MOST_SHOWN = 10
DEFAULT = Encoding()


def report(result: Reencoding, out: Path, *, drop_bad: bool) -> None:
    """Print what was made, its size, and what failed."""
    failed = result.failed
    good = [video for video in result.videos if video.problem is None]
    made = len(good) - result.num_kept
    click.echo(f'{made} videos encoded with {encoder_name()}, {result.num_kept} done before, {len(failed)} failed')
    if good:
        before, after = (sum(sizes) / 2**20 for sizes in zip(*((v.size, v.new_size) for v in good), strict=True))
        frames, worst = sum(video.num_frames for video in good), min(good, key=lambda video: video.psnr)
        click.echo(f'{before:.1f} MiB became {after:.1f} MiB ({after / before:.2f}x)')
        click.echo(f'{frames} frames compared; the least like its original: {worst.psnr:.1f} dB in {worst.path}')
    for path in result.written:
        click.echo(f'wrote {path}')
    if failed:
        click.echo(f'\n{len(failed)} failed, all listed in {out / FAILURES}:')
        for video in failed[:MOST_SHOWN]:
            click.echo(f'  {video.path}: {video.problem}')
        if not drop_bad:
            click.echo('No lists were written. Repair these videos, or leave them out with --drop-bad.')
            return
    click.echo(f'\nFor the config: data_prefix=dict(video={str(out / VIDEOS)!r})')


@click.command()
@click.argument('videos', type=PATH)
@click.argument('out', type=PATH)
@click.option(
    '--list',
    'lists',
    type=PATH,
    multiple=True,
    help='List of videos and labels to write anew; can be repeated.  [default: every video in VIDEOS, without a list]',
)
@click.option('--delimiter', default=' ', help='Separator of the fields in the lists.  [default: space or tab]')
@click.option(
    '--key-frame-interval',
    default=DEFAULT.key_frame_interval,
    show_default=True,
    help='Number of frames from one key frame to the next.',
)
@click.option('--intra-only', is_flag=True, help='Make every frame a key frame.')
@click.option('--short-side', type=int, help='Longest short side of a video, in pixels; larger ones are made smaller.')
@click.option('--crf', default=DEFAULT.crf, show_default=True, help='Quality from 0, without loss, to 51, the worst.')
@click.option(
    '--min-psnr',
    type=FiniteRange(0),
    default=DEFAULT.min_psnr,
    show_default=True,
    help='Refuse a copy with a frame of a lower peak signal-to-noise ratio, in dB.',
)
@click.option('--drop-bad', is_flag=True, help='Leave out of the lists what cannot be encoded, instead of failing.')
@workers_option
def reencode(
    videos: Path,
    out: Path,
    lists: tuple[Path, ...],
    delimiter: str,
    key_frame_interval: int,
    intra_only: bool,
    short_side: int | None,
    crf: int,
    min_psnr: float,
    drop_bad: bool,
    workers: int,
) -> None:
    """Encode videos anew with many key frames, so that the frames of a clip are decoded fast.

    Copies go to OUT/videos, lists to OUT. Each copy is compared with its original frame by frame: their number, their
    times and their pixels. A second run does what is missing. Ends with status 1 if a video fails, unless --drop-bad
    leaves it out.

    Example: mmvidext data reencode data/sthv2/videos data/sthv2_fast --list data/sthv2/sthv2_train_list_videos.txt
    """
    if intra_only:
        refuse_unused('has nothing to do with --intra-only: every frame is a key frame', 'key_frame_interval')
    if not lists:
        refuse_unused('is for --list: give both', 'delimiter')
    with one_line_errors():
        encoding = Encoding(1 if intra_only else key_frame_interval, short_side, crf, min_psnr)
        result = reencode_videos(
            videos, out, lists=lists, encoding=encoding, delimiter=delimiter, drop_bad=drop_bad, workers=workers
        )
    report(result, out, drop_bad=drop_bad)
    if result.failed and not drop_bad:
        raise SystemExit(1)
