"""``mmvidext data make-synthetic``: generate a small data set with exact labels, in the format of a real one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mmvidext.cli.options import one_line_errors
from mmvidext.datasets.synthetic.cityscapes_writer import write_cityscapes
from mmvidext.datasets.synthetic.flying_chairs_writer import write_flying_chairs
from mmvidext.datasets.synthetic.random_scene import SceneOptions
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from mmvidext.datasets.synthetic.video_folders_writer import write_video_folders

__all__ = ['make_synthetic']

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class FrameSize(click.ParamType):
    """``WIDTHxHEIGHT`` in pixels."""

    name = 'WxH'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return width and height."""
        width, separator, height = str(value).partition('x')
        if not (separator and width.isdecimal() and height.isdecimal()):
            self.fail(f'expected WIDTHxHEIGHT in pixels, for example 128x96, but got {value!r}', param, ctx)
        return int(width), int(height)


def _options(*options: Decorator) -> Decorator:
    """Return one decorator that adds all options."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def common_options(*, train: int, val: int, size: str) -> Decorator:
    """Add the folder, and what all formats have in common."""
    return _options(
        click.argument('out', type=click.Path(path_type=Path, file_okay=False)),
        click.option('--train', type=int, default=train, show_default=True, help='Training items.'),
        click.option('--val', type=int, default=val, show_default=True, help='Validation items.'),
        click.option('--size', type=FrameSize(), default=size, show_default=True, help='Of a frame, in pixels.'),
        click.option('--seed', type=click.IntRange(0), default=0, show_default=True, help='Of everything random.'),
        click.option(
            '--workers', type=int, default=os.cpu_count() or 1, show_default=True, help='Processes; 0: only this one.'
        ),
    )


def scene_options(*, max_displacement: float) -> Decorator:
    """Add what the formats with labels or flow in every pixel have in common."""
    return _options(
        click.option(
            '--max-displacement',
            type=float,
            default=max_displacement,
            show_default=True,
            help='How far a point moves between frames at most, in pixels.',
        ),
        click.option('--objects', type=int, default=6, show_default=True, help='In each scene.'),
        click.option('--thin-objects', type=int, default=0, show_default=True, help='Poles in each scene.'),
    )


def _echo_written(out: Path, train: int, val: int, what: str) -> None:
    click.echo(f'{out}: {train} training and {val} validation {what}')


@click.group()
def make_synthetic() -> None:
    """Generate a small data set with exact labels, in the format of a real one.

    A second run with the same settings adds only what is missing.

    Example: mmvidext data make-synthetic sthv2 data/synthetic_sthv2 --train 600 --val 160 --size 128x96
    """


@make_synthetic.command()
@common_options(train=600, val=160, size='128x96')
@click.option('--frames', type=int, default=20, show_default=True, help='Of each clip.')
@click.option('--travel-only', is_flag=True, help='Leave out motions toward and away from the camera.')
@click.option('--camera', is_flag=True, help='The camera turns: four labels that are easier to learn.')
def sthv2(
    out: Path,
    train: int,
    val: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
    frames: int,
    travel_only: bool,
    camera: bool,
) -> None:
    """Generate clips with motion labels, as Something-Something V2.

    Example: mmvidext data make-synthetic sthv2 data/camera_turns --camera --size 64x48
    """
    with one_line_errors():
        write_sthv2(
            out,
            num_train=train,
            num_val=val,
            size=size,
            num_frames=frames,
            travel_only=travel_only,
            camera=camera,
            seed=seed,
            workers=workers,
        )
    _echo_written(out, train, val, 'clips in the format of Something-Something V2')


@make_synthetic.command()
@common_options(train=120, val=40, size='256x128')
@click.option('--frames', type=int, default=30, show_default=True, help='Of each snippet.')
@click.option('--all-labels', is_flag=True, help='Label every frame, not one of each snippet.')
@scene_options(max_displacement=5)
def cityscapes(
    out: Path,
    train: int,
    val: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
    frames: int,
    all_labels: bool,
    max_displacement: float,
    objects: int,
    thin_objects: int,
) -> None:
    """Generate labeled snippets, as Cityscapes.

    Example: mmvidext data make-synthetic cityscapes data/synthetic_cityscapes --thin-objects 1
    """
    with one_line_errors():
        options = SceneOptions(
            size=size,
            num_frames=frames,
            max_displacement=max_displacement,
            num_objects=objects,
            thin_objects=thin_objects,
        )
        write_cityscapes(
            out, options, num_train=train, num_val=val, label_every_frame=all_labels, seed=seed, workers=workers
        )
    _echo_written(out, train, val, 'snippets in the layout of Cityscapes')


@make_synthetic.command()
@common_options(train=60, val=20, size='128x96')
@click.option('--frames', type=int, default=20, show_default=True, help='Of each video.')
@scene_options(max_displacement=3)
def video_folders(
    out: Path,
    train: int,
    val: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
    frames: int,
    max_displacement: float,
    objects: int,
    thin_objects: int,
) -> None:
    """Generate videos as folders of frames and labels, as one's own data.

    Example: mmvidext data make-synthetic video-folders data/synthetic_videos
    """
    with one_line_errors():
        options = SceneOptions(
            size=size,
            num_frames=frames,
            max_displacement=max_displacement,
            num_objects=objects,
            thin_objects=thin_objects,
        )
        write_video_folders(out, options, num_train=train, num_val=val, seed=seed, workers=workers)
    _echo_written(out, train, val, 'videos as folders of frames and labels')


@make_synthetic.command()
@common_options(train=800, val=80, size='192x128')
@scene_options(max_displacement=12)
def flying_chairs(
    out: Path,
    train: int,
    val: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
    max_displacement: float,
    objects: int,
    thin_objects: int,
) -> None:
    """Generate pairs of images with flow, as FlyingChairs.

    Example: mmvidext data make-synthetic flying-chairs data/synthetic_chairs --max-displacement 20
    """
    with one_line_errors():
        options = SceneOptions(
            size=size, num_frames=2, max_displacement=max_displacement, num_objects=objects, thin_objects=thin_objects
        )
        write_flying_chairs(out, options, num_train=train, num_val=val, seed=seed, workers=workers)
    _echo_written(out, train, val, 'pairs in the layout of FlyingChairs')
