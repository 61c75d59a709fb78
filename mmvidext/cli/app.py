"""``mmvidext app``: a page in the browser that shows what models see in a video."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmvidext.cli.options import Decorator, FiniteRange, device_option, one_line_errors
from mmvidext.cli.stop_signals import StopSignals

if TYPE_CHECKING:
    from mmvidext.app.tasks import Task

__all__ = ['app']

SHIPPED = 'camera-motion'  # shown where no model is named
PASSWORD = 'MMVIDEXT_APP_PASSWORD'


def split_model(model: str) -> tuple[str, str | None]:
    """Return the parts of ``CONFIG=CHECKPOINT``; what has none, or is a file or folder with a ``=``, has one part."""
    cuts = [(model[:place], model[place + 1 :]) for place, letter in enumerate(model) if letter == '=']
    if not cuts or Path(model).expanduser().exists():
        return model, None
    return next((cut for cut in cuts if Path(cut[0]).expanduser().is_file()), cuts[0])


def open_model(model: str, device: str) -> 'Task':
    """Build a model of the command line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a config without weights or a video, or the page has no tab for it.
    """
    from mmvidext.app.tasks import open_task
    from mmvidext.cli.config import load_config
    from mmvidext.cli.weighted_model import find_weighted_model
    from mmvidext.datasets.media.files import VIDEO_SUFFIXES

    given, weights = split_model(model)
    if Path(given).suffix.lower() in VIDEO_SUFFIXES:
        raise ValueError(f'{given} is a video: upload it on the page, and name models here')
    found = find_weighted_model(given, weights or None, option=f'{given}=')
    return open_task(load_config(found.config, found.options, warns=False), found.checkpoint, device=device)


def names_of_models(models: Iterable[str]) -> list[str]:
    """Return the names that the page shows for models: of their configs, files or folders."""
    configs = (split_model(model)[0].rpartition('::')[2] for model in models)
    return _numbered(Path(config).resolve().name.removesuffix('.py') for config in configs)


def names_of_folders(folders: Iterable[str]) -> list[str]:
    """Return the names that the page shows for work directories: their last parts."""
    return _numbered(Path(folder).resolve().name for folder in folders)


def _numbered(names: Iterable[str]) -> list[str]:
    """Return names with a number behind each that was there before."""
    different: list[str] = []
    for name in names:
        one, number = name, 2
        while one in different:
            one, number = f'{name} ({number})', number + 1
        different.append(one)
    return different


def ask_password() -> str:
    """Return the password from the environment, or from whoever starts the page.

    Raises:
        click.UsageError: If there is neither.
    """
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        raise click.UsageError(f'others can reach the page, so it needs a password: set {PASSWORD}')
    return str(click.prompt('Password for those who use the page', hide_input=True, confirmation_prompt=True))


def _limit(name: str, kind: click.ParamType, default: int, text: str) -> Decorator:
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@click.command()
@click.argument('models', nargs=-1, metavar='[MODEL]...')
@click.option(
    '--work-dir',
    'work_dirs',
    multiple=True,
    metavar='DIR',
    help='Show the curves of this training; can be given several times.',
)
@click.option('--host', default='127.0.0.1', show_default=True, help='Address to listen on; others need a password.')
@click.option('--port', type=click.IntRange(1, 65535), default=7860, show_default=True, help='Port to listen on.')
@click.option('--user', default='mmvidext', show_default=True, help='Name to log in with, where there is a password.')
@_limit('--max-megabytes', FiniteRange(1), 100, 'Largest file of a video.')
@_limit('--max-seconds', FiniteRange(1), 60, 'Longest duration of a video.')
@_limit('--max-uploads', click.IntRange(1), 16, 'Largest number of videos that are kept at a time.')
@_limit('--max-waiting', click.IntRange(1), 8, 'Largest number of requests in the queue.')
@_limit('--max-side', click.IntRange(32), 960, 'Longest side of a frame, in pixels; larger ones are shrunk.')
@device_option
def app(
    models: tuple[str, ...],
    work_dirs: tuple[str, ...],
    host: str,
    port: int,
    user: str,
    max_megabytes: float,
    max_seconds: float,
    max_uploads: int,
    max_waiting: int,
    max_side: int,
    device: str,
) -> None:
    """Show in the browser what models see in a video: upload one, or use the webcam.

    A MODEL is a name (mmvidext weights lists them; camera-motion if none is given), a work directory (its best
    checkpoint is taken), a checkpoint with its config beside it, or CONFIG=CHECKPOINT: a recognizer, Deep Feature Flow
    for segmentation or detection, or a flow network. The page is for this machine alone, unless --host says otherwise;
    then it asks for the password in MMVIDEXT_APP_PASSWORD. Ctrl-C ends it, and removes what was uploaded.

    Example: mmvidext app work_dirs/videos_ms_tsm_r18 --work-dir work_dirs/videos_ms_tsm_r18
    """
    with one_line_errors(), StopSignals() as stop:
        from mmvidext.app.limits import Limits
        from mmvidext.app.server import is_this_machine, serve
        from mmvidext.drawing.training_curves import read_scalars

        models = models or (SHIPPED,)
        folders = dict(zip(names_of_folders(work_dirs), map(Path, work_dirs), strict=True))
        for folder in folders.values():
            read_scalars(folder)
        login = None if is_this_machine(host) and PASSWORD not in os.environ else (user, ask_password())
        ended = serve(
            dict(zip(names_of_models(models), [open_model(model, device) for model in models], strict=True)),
            folders,
            host=host,
            port=port,
            login=login,
            limits=Limits(
                max_megabytes=max_megabytes,
                max_seconds=max_seconds,
                max_uploads=max_uploads,
                max_waiting=max_waiting,
                max_side=max_side,
            ),
            wait=stop.wait,
            on_start=lambda address: click.echo(f'The page is at {address}; Ctrl-C ends it.'),
        )
    try:
        stop.exit_if_stopped()
    except SystemExit as error:
        if not ended:  # a thread is in C++ code, which aborts the process where Python ends around it
            os._exit(int(error.code or 0))
        raise
