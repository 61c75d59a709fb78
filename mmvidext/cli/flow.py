"""``mmvidext flow``: estimate the optical flow from one image to another, or through a video."""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from mmvidext.apis import FlowInferencer
from mmvidext.apis.flow_video import FLOW_SUFFIXES, estimate_video_flow, write_flow
from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    PATH,
    FiniteRange,
    RunCommand,
    cfg_options_option,
    config_argument,
    device_option,
    one_line_errors,
    source_options,
    stoppable_source,
)
from mmvidext.cli.unused_options import refuse_unused
from mmvidext.datasets.flow_io import read_flow
from mmvidext.datasets.media.images import read_rgb, write_picture
from mmvidext.ops import flow_color_wheel

__all__ = ['flow']

Truth = tuple[NDArray[np.float32], NDArray[np.bool_]]


def draw(
    first: NDArray[np.uint8], flow: NDArray[np.float32], truth: Truth | None, max_magnitude: float | None
) -> NDArray[np.uint8]:
    """Color the flow; where the truth is known, put the first image and the truth before it."""
    if truth is None:
        return FlowInferencer.draw(flow, max_magnitude)
    true_flow, valid = truth
    scale = max_magnitude or float(np.linalg.norm(true_flow, axis=2).max()) or None
    marked = np.where(valid[..., None], true_flow, np.float32(np.nan))
    return np.hstack((first, FlowInferencer.draw(marked, scale), FlowInferencer.draw(flow, scale)))


def describe(flow: NDArray[np.float32]) -> str:
    """Return the size of a flow field and the lengths of its vectors in a line."""
    length = np.linalg.norm(flow, axis=2)
    height, width = length.shape
    return f'{width} x {height} vectors, mean length {length.mean():.2f}, longest {length.max():.2f} pixels'


def flow_of_pair(
    inferencer: FlowInferencer,
    first: str,
    second: str,
    *,
    out: Path | None,
    picture: Path | None,
    truth: Path | None,
    max_magnitude: float | None,
) -> None:
    """Estimate, compare, write and describe the flow of two images.

    Raises:
        ValueError: If a file cannot be read, the images and the truth are not of one size, or no true vector is known.
    """
    image = read_rgb(first)
    known = None if truth is None else read_flow(truth)
    if known is not None and known[1].shape != image.shape[:2]:
        raise ValueError(
            f'{truth} is {known[1].shape} (height, width), but {first} is {image.shape[:2]}: the true flow must have '
            'the size of the images'
        )
    if known is not None and not known[1].any():
        raise ValueError(f'{truth} holds no known vector: there is nothing to compare with; leave out --truth')
    estimate = inferencer(image, read_rgb(second))
    if out is not None:
        write_flow(out, estimate)
    if picture is not None:
        write_picture(picture, draw(image, estimate, known, max_magnitude))
    if known is not None:
        true_flow, valid = known
        error, still = (np.linalg.norm(guess - true_flow, axis=2)[valid].mean() for guess in (estimate, 0))
        click.echo(f'end-point error {error:.3f} pixels; that of no motion is {still:.3f}')
    click.echo(describe(estimate))


def check_frames(source: str, opened: Source) -> None:
    """Refuse a source that has no second frame, before anything is made for its flow.

    Raises:
        ValueError: If it has a single frame.
    """
    if opened.num_frames == 1:
        raise ValueError(f'{source} has one frame, and flow is from one to the next: for a pair, name the second image')


def check_suffix(out: Path | None, picture: Path | None, *, is_pair: bool) -> None:
    """Refuse an output that does not fit the input.

    Raises:
        click.UsageError: If the suffix is not that of a flow file, a picture has none, or the flow of a video is to go
            to a file.
    """
    if is_pair and picture is not None and not picture.suffix:
        raise click.UsageError(f'--picture must be a file such as flow.png for a pair of images, but is {picture}')
    if out is None or (out.suffix in FLOW_SUFFIXES if is_pair else not out.suffix or out.is_dir()):
        return
    if is_pair:
        raise click.UsageError(f'--out must end in {", ".join(FLOW_SUFFIXES)} for a pair of images, but is {out}')
    raise click.UsageError(f'--out must be a folder (no suffix) for the flow of a video, but is {out}; see --format')


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint')
@click.argument('source', metavar='FIRST|SOURCE')
@click.argument('second', required=False)
@click.option(
    '--out',
    type=PATH,
    help='Write the flow: of a pair to a .flo (Middlebury), .png (KITTI, 16 bits) or .npz; of a SOURCE to a folder.',
)
@click.option(
    '--format',
    'suffix',
    type=click.Choice([suffix[1:] for suffix in FLOW_SUFFIXES]),
    help='Format of the files that a SOURCE gives in the folder --out.  [default: flo]',
)
@click.option(
    '--picture', type=PATH, help='Write the flow in colors to this picture; of a SOURCE to this video or folder.'
)
@click.option('--truth', type=PATH, help='True flow to compare with, a .flo or .png file.')
@click.option('--legend', type=PATH, help='Write the color wheel that explains --picture to this file.')
@click.option(
    '--max-magnitude',
    type=FiniteRange(0, min_open=True),
    help='Motion that is drawn in full color, in pixels.  [default: the longest vector]',
)
@source_options
@cfg_options_option
@device_option
def flow(
    config: str,
    checkpoint: str,
    source: str,
    second: str | None,
    out: Path | None,
    suffix: str | None,
    picture: Path | None,
    truth: Path | None,
    legend: Path | None,
    max_magnitude: float | None,
    connect: Callable[..., Source],
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Estimate the optical flow from the image FIRST to the image SECOND, or through the frames of SOURCE.

    SOURCE is a video, a folder of pictures, a pattern (frames/%06d.png, 'frames/*.jpg'), the number of a camera, or an
    address (rtsp://, http://, ...): then --out is a folder. CHECKPOINT holds our weights or official ones. With --truth
    the error of a pair is printed, and the picture shows the first image, the true flow and the estimate side by side,
    in the same colors.

    Example: mmvidext flow mmvidext::flownets_flyingchairs flownets.pth 1.png 2.png --out flow.flo --picture flow.png
    """
    check_suffix(out, picture, is_pair=second is not None)
    if second is None:
        refuse_unused('is for a pair of images', 'truth')
    else:
        refuse_unused('is for the folder that a SOURCE gives: the suffix of --out says that of a pair', 'suffix')
        refuse_unused('is for an address or a camera, and not for a pair of images', 'timeout', 'reconnects')
    if out is None:
        refuse_unused('is for --out: give both', 'suffix')
    if picture is None:
        refuse_unused('is for --picture: give both', 'max_magnitude')
    read = [Path(path) for path in (config, checkpoint, truth) if path]
    with one_line_errors():
        if second is not None:
            check_outputs((out, picture, legend), [*read, Path(source), Path(second)])
            inferencer = FlowInferencer(load_config(config, cfg_options), checkpoint, device=device)
            flow_of_pair(inferencer, source, second, out=out, picture=picture, truth=truth, max_magnitude=max_magnitude)
        else:
            with stoppable_source(source, connect) as (opened, stop):
                check_frames(source, opened)
                check_outputs((out, picture, legend), [*read, *opened.files])
                inferencer = FlowInferencer(load_config(config, cfg_options), checkpoint, device=device)
                count = estimate_video_flow(
                    inferencer,
                    opened,
                    out=out,
                    suffix=f'.{suffix or "flo"}',
                    picture=picture,
                    max_magnitude=max_magnitude,
                    on_flow=lambda number, estimate: click.echo(f'frame {number}: {describe(estimate)}'),
                )
        if legend is not None:
            write_picture(legend, flow_color_wheel(201).permute(1, 2, 0).numpy())
    if second is None:
        click.echo(f'{count} flow fields')
        stop.exit_if_stopped()
        if not count:
            raise click.ClickException(f'{source} has no two frames of one size in a row, so nothing was written')
