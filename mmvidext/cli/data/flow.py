"""``mmvidext data flow``: from one's own frames and flow files to a config that is ready to train."""

from pathlib import Path

import click
from mmengine.config import Config

from mmvidext.cli.data.folder_options import check_arguments, folder_options, tell
from mmvidext.cli.options import one_line_errors
from mmvidext.cli.ready_config import DEFAULT_MODELS, flow_config
from mmvidext.datasets.own_data.report import describe_folders
from mmvidext.datasets.own_data.video_folders import PreparedFolders, prepare_folders

__all__ = ['flow']

_STRIDE = 64  # of the coarsest map of the networks


@click.command()
@folder_options('the videos')
@click.option('--model', default=DEFAULT_MODELS['flow'], show_default=True, help='Recipe whose config is written.')
def flow(root: Path, out: Path | None, ratio: float, seed: int, workers: int, model: str) -> None:
    """Prepare your own pairs for optical flow: DIR holds frames/VIDEO/* and flow/VIDEO/*.

    A flow file (.flo, .pfm, or KITTI's .png) has the name of the first frame of its pair. Opens every file, leaves out
    the videos with a wrong one, divides the others into training and validation, and writes train.txt, val.txt,
    report.md and the config MODEL.py. A second run checks only what is new or has changed.

    Example: mmvidext data flow rendered_scenes
    """
    out = out or root
    with one_line_errors():
        check_arguments(root, out, model, 'flow')
        result = prepare_folders(root, 'flow', out, ratio=ratio, seed=seed, workers=workers)
        config = flow_config(result, root, out, model)
        tell(out, describe_folders(root, result), config, ['train.txt', 'val.txt'], _smaller_crop(result, config.path))


def _smaller_crop(result: PreparedFolders, config: Path) -> str:
    """Return the option that makes the crop of the recipe fit into every frame; nothing if it does."""
    widths, heights = zip(*(video.frame_size for video in result.all), strict=True)
    crop = Config.fromfile(config).crop_size
    fitting = [min(side, _whole_cells(min(frames))) for side, frames in zip(crop, (heights, widths), strict=True)]
    return '' if fitting == list(crop) else f" --cfg-options 'crop_size=({fitting[0]},{fitting[1]})'"


def _whole_cells(length: int) -> int:
    return length // _STRIDE * _STRIDE or length
