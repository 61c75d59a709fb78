"""``mmvidext flow``: estimate the optical flow from one image to another."""

from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from mmvidext.apis import FlowInferencer
from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    RunCommand,
    cfg_options_option,
    checked_suffix,
    config_argument,
    device_option,
    one_line_errors,
    pick_device,
)
from mmvidext.datasets.flow_io import read_flow, write_flo, write_kitti_flow
from mmvidext.datasets.media.images import read_rgb
from mmvidext.ops import flow_color_wheel

__all__ = ['flow']

WRITERS = {'.flo': write_flo, '.png': write_kitti_flow}
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


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write an RGB picture.

    Raises:
        ValueError: If it cannot be written there, or in that format.
    """
    try:
        written = cv2.imwrite(str(path), picture[..., ::-1])
    except cv2.error as error:
        raise ValueError(f'{path} cannot be written: is its suffix that of a picture?') from error
    if not written:
        raise ValueError(f'{path} cannot be written')


@click.command(cls=RunCommand)
@config_argument
@click.argument('checkpoint')
@click.argument('first')
@click.argument('second')
@click.option(
    '--out',
    type=click.Path(path_type=Path),
    callback=checked_suffix('.flo', '.png'),
    help='Write the flow to this .flo (Middlebury) or .png (KITTI, 16 bits).',
)
@click.option('--picture', type=click.Path(path_type=Path), help='Write a picture of the flow.')
@click.option('--truth', type=click.Path(path_type=Path), help='File of the true flow to compare with, .flo or .png.')
@click.option('--legend', type=click.Path(path_type=Path), help='Write the color wheel.')
@click.option('--max-magnitude', type=float, help='Pixels at full saturation.  [default: the longest vector]')
@cfg_options_option
@device_option
def flow(
    config: str,
    checkpoint: str,
    first: str,
    second: str,
    out: Path | None,
    picture: Path | None,
    truth: Path | None,
    legend: Path | None,
    max_magnitude: float | None,
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Estimate the optical flow from the image FIRST to the image SECOND.

    CHECKPOINT holds our weights or official ones. With --truth the error is printed, and the picture shows the first
    image, the true flow and the estimate side by side, in the same colors.

    Example: mmvidext flow mmvidext::flownets_flyingchairs flownets.pth 1.png 2.png --out flow.flo --picture flow.png
    """
    with one_line_errors():
        inferencer = FlowInferencer(load_config(config, cfg_options), checkpoint, device=pick_device(device))
        image = read_rgb(first)
        estimate = inferencer(image, read_rgb(second))
        known = None if truth is None else read_flow(truth)
        if out is not None:
            WRITERS[out.suffix](out, estimate)
        if picture is not None:
            write_picture(picture, draw(image, estimate, known, max_magnitude))
        if legend is not None:
            write_picture(legend, flow_color_wheel(201).permute(1, 2, 0).numpy())
    if known is not None:
        true_flow, valid = known
        error, still = (np.linalg.norm(guess - true_flow, axis=2)[valid].mean() for guess in (estimate, 0))
        click.echo(f'end-point error {error:.3f} pixels; that of no motion is {still:.3f}')
    length = np.linalg.norm(estimate, axis=2)
    height, width = length.shape
    click.echo(f'{width} x {height} vectors, mean length {length.mean():.2f}, longest {length.max():.2f} pixels')
