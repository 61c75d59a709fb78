"""``mmvidext data make-synthetic``: generate a small data set with exact labels, in the format of a real one."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mmvidext.cli.options import Decorator, FiniteRange, add_options, one_line_errors, workers_option
from mmvidext.datasets.synthetic.cityscapes_writer import write_cityscapes
from mmvidext.datasets.synthetic.flying_chairs_writer import write_flying_chairs
from mmvidext.datasets.synthetic.imagenet_vid_writer import write_imagenet_vid
from mmvidext.datasets.synthetic.random_scene import SceneOptions
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from mmvidext.datasets.synthetic.video_folders_writer import write_video_folders

__all__ = ['make_synthetic']


class FrameSize(click.ParamType):
    """``WIDTHxHEIGHT`` in pixels."""

    name = 'WxH'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return width and height."""
        width, separator, height = str(value).partition('x')
        if not (separator and width.isdecimal() and height.isdecimal()):
            self.fail(f'expected WIDTHxHEIGHT in pixels, for example 128x96, but got {value!r}', param, ctx)
        return int(width), int(height)


def common_options(*, train: int, val: int, size: str) -> Decorator:
    """Add the folder, and what all formats have in common, under the names of the writers' arguments."""
    return add_options(
        click.argument('out', type=click.Path(path_type=Path, file_okay=False)),
        click.option(
            '--train', 'num_train', type=int, default=train, show_default=True, help='Number of training samples.'
        ),
        click.option(
            '--val', 'num_val', type=int, default=val, show_default=True, help='Number of validation samples.'
        ),
        click.option('--size', type=FrameSize(), default=size, show_default=True, help='Size of a frame, in pixels.'),
        click.option(
            '--seed', type=click.IntRange(0), default=0, show_default=True, help='Seed of all random numbers.'
        ),
        workers_option,
    )


def frames_option(default: int) -> Decorator:
    """Add the length of a video."""
    return click.option(
        '--frames', 'num_frames', type=int, default=default, show_default=True, help='Number of frames of each video.'
    )


def scene_options(*, max_displacement: float) -> Decorator:
    """Add what the formats with labels or flow in every pixel have in common; the command gets ``SceneOptions``."""
    options_of_scene = add_options(
        click.option(
            '--max-displacement',
            type=FiniteRange(0),
            default=max_displacement,
            show_default=True,
            help='Largest motion of a point between frames, in pixels.',
        ),
        click.option(
            '--objects', 'num_objects', type=int, default=6, show_default=True, help='Number of objects in each scene.'
        ),
        click.option(
            '--thin-objects', type=int, default=0, show_default=True, help='Number of thin poles in each scene.'
        ),
        click.option('--keep-in-view', is_flag=True, help='Let objects turn back at the border of the frame.'),
    )

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(out: Path, **settings: Any) -> None:
            scene = {field.name: settings.pop(field.name) for field in fields(SceneOptions) if field.name in settings}
            scene.setdefault('num_frames', 2)  # a pair
            with one_line_errors():
                options = SceneOptions(**scene)
            function(out, options, **settings)

        return options_of_scene(command)

    return add


def _write(write: Callable[..., None], what: str, out: Path, *scene: SceneOptions, **settings: Any) -> None:
    with one_line_errors():
        write(out, *scene, **settings)
    click.echo(f'{out}: {settings["num_train"]} training and {settings["num_val"]} validation {what}')


@click.group()
def make_synthetic() -> None:
    """Generate a small data set with exact labels, in the format of a real one.

    A second run with the same settings adds only what is missing.

    Example: mmvidext data make-synthetic sthv2 data/synthetic_sthv2 --train 600 --val 160 --size 128x96
    """


@make_synthetic.command()
@common_options(train=600, val=160, size='128x96')
@frames_option(20)
@click.option('--travel-only', is_flag=True, help='Leave out motions toward and away from the camera.')
@click.option('--camera', is_flag=True, help='Turn the camera instead: four labels that are easier to learn.')
@click.option(
    '--textures',
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help='Move a camera over the photographs in this folder instead: seven labels.',
)
def sthv2(out: Path, **settings: Any) -> None:
    """Generate clips with motion labels, as Something-Something V2.

    Example: mmvidext data make-synthetic sthv2 data/camera_turns --camera --size 64x48
    """
    _write(write_sthv2, 'clips in the format of Something-Something V2', out, **settings)


@make_synthetic.command()
@common_options(train=120, val=40, size='256x128')
@frames_option(30)
@click.option('--all-labels', 'label_every_frame', is_flag=True, help='Label every frame, not one of each snippet.')
@scene_options(max_displacement=5)
def cityscapes(out: Path, scene: SceneOptions, **settings: Any) -> None:
    """Generate labeled snippets, as Cityscapes.

    Example: mmvidext data make-synthetic cityscapes data/synthetic_cityscapes --thin-objects 1
    """
    _write(write_cityscapes, 'snippets in the layout of Cityscapes', out, scene, **settings)


@make_synthetic.command()
@common_options(train=60, val=20, size='128x96')
@frames_option(20)
@scene_options(max_displacement=3)
def video_folders(out: Path, scene: SceneOptions, **settings: Any) -> None:
    """Generate videos as folders of frames and labels, as one's own data.

    Example: mmvidext data make-synthetic video-folders data/synthetic_videos
    """
    _write(write_video_folders, 'videos as folders of frames and labels', out, scene, **settings)


@make_synthetic.command()
@common_options(train=800, val=80, size='192x128')
@scene_options(max_displacement=12)
def flying_chairs(out: Path, scene: SceneOptions, **settings: Any) -> None:
    """Generate pairs of images with flow, as FlyingChairs.

    Example: mmvidext data make-synthetic flying-chairs data/synthetic_chairs --max-displacement 20
    """
    _write(write_flying_chairs, 'pairs in the layout of FlyingChairs', out, scene, **settings)


@make_synthetic.command()
@common_options(train=120, val=30, size='128x96')
@frames_option(20)
@scene_options(max_displacement=3)
def imagenet_vid(out: Path, scene: SceneOptions, **settings: Any) -> None:
    """Generate videos with boxes and track ids, as ImageNet VID.

    Example: mmvidext data make-synthetic imagenet-vid data/synthetic_vid
    """
    _write(write_imagenet_vid, 'videos in the layout of ImageNet VID', out, scene, **settings)
