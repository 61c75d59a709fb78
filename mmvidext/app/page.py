"""The page: a tab for each kind of model, and one for the curves of trainings."""

import logging
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmvidext.app.ending import Ending
from mmvidext.app.limits import Limits
from mmvidext.app.tasks import TASKS, Task
from mmvidext.app.upload_folder import UploadFolder
from mmvidext.app.work import RequestError, work_on
from mmvidext.datasets.printable import printable
from mmvidext.drawing.figures import figure_picture
from mmvidext.drawing.training_curves import Rows, plot_training_curves, read_scalars

__all__ = ['build_page']

_PICTURE: dict[str, Any] = dict(interactive=False, format='png', buttons=['fullscreen'])
_QUEUE = 'work'  # of everything: one request is worked on at a time


def build_page(
    tasks: Mapping[str, Task], work_dirs: Mapping[str, Path], *, folder: UploadFolder, limits: Limits, ending: Ending
) -> gr.Blocks:
    """Build the page.

    Args:
        tasks: The models, by the names that the page shows.
        work_dirs: Work directories of trainings, by such names.
        folder: Where uploads go.
        limits: What is refused.
        ending: Stops work in progress when the page ends.
    """
    with gr.Blocks(title='mmvidext', analytics_enabled=False) as page:
        gr.Markdown('# mmvidext: what video models see')
        with gr.Tabs():
            for kind in TASKS:
                models = {name: task for name, task in tasks.items() if isinstance(task, kind)}
                if models:
                    with gr.Tab(kind.title):
                        _model_tab(models, kind, folder, limits, ending)
            if work_dirs:
                with gr.Tab('Training curves'):
                    _curves_tab(work_dirs, ending)
    page.queue(max_size=limits.max_waiting, default_concurrency_limit=1, api_open=False)
    return page


def _model_tab(
    models: Mapping[str, Task], kind: type[Task], folder: UploadFolder, limits: Limits, ending: Ending
) -> None:
    gr.Markdown(
        f'{kind.about}\n\nVideos up to {limits.max_megabytes:g} MB and {limits.max_seconds:g} s. An upload is removed '
        'as soon as it has been worked on.'
    )
    with gr.Row():
        with gr.Column():
            model = gr.Dropdown(list(models), value=next(iter(models)), label='Model', visible=len(models) > 1)
            upload = _upload()
            button = gr.Button('Run', variant='primary')
            summary = gr.Markdown()
        with gr.Column():
            gr.Markdown(kind.video_title)
            video = gr.Video(show_label=False, interactive=False, height=400, autoplay=True, loop=True)
    titles, pictures = [], []
    for title in kind.picture_titles:
        titles.append(gr.Markdown(title, visible=False))
        pictures.append(gr.Image(show_label=False, visible=False, **_PICTURE))

    def run(name: str, given: dict[str, Any] | None, progress: gr.Progress = _PROGRESS) -> list[Any]:
        if not given or not given.get('path'):
            raise gr.Error('Upload a video first, or record one with the webcam.', print_exception=False)

        def on_frame(number: int, total: int) -> None:
            ending.check()
            progress((number, total), desc='frames')

        task = models.get(str(name or next(iter(models))))
        try:
            with ending.work():
                view = work_on(task, str(given['path']), folder=folder, limits=limits, on_frame=on_frame)
        except RequestError as error:
            _tell(error)
            return [None, '', None, *_shown([None] * len(pictures))]
        return [None, view.summary, str(view.video), *_shown(view.pictures)]

    # without preprocessing, so that the video goes to our decoder and to no other
    button.click(
        run,
        [model, upload],
        [upload, summary, video, *titles, *pictures],  # the upload is gone
        preprocess=False,
        show_progress_on=[summary, video, *pictures],
        concurrency_id=_QUEUE,
        concurrency_limit=1,
        api_visibility='private',
    )


def _upload() -> gr.Video:
    return gr.Video(
        label='Your video',
        sources=['upload', 'webcam'],
        height=320,
        buttons=[],
        webcam_options=gr.WebcamOptions(mirror=False),
    )


def _tell(error: RequestError) -> None:
    """Show what is wrong with a request; not as an error of Gradio, after which the page keeps the result before it."""
    text = escape(str(error).rstrip('.'), quote=False)
    gr.Warning(f'{text[:1].upper()}{text[1:]}.', duration=None)


def _curves_tab(work_dirs: Mapping[str, Path], ending: Ending) -> None:
    gr.Markdown('Loss and validation of trainings, as logged until now.')
    names = gr.Dropdown(list(work_dirs), value=list(work_dirs), multiselect=True, label='Trainings')
    button = gr.Button('Draw', variant='primary')
    curves = gr.Image(show_label=False, **_PICTURE)

    def draw(chosen: Sequence[str] | None) -> NDArray[np.uint8] | None:
        try:
            with ending.work():
                return figure_picture(plot_training_curves(_runs(work_dirs, chosen or ())))
        except RequestError as error:
            _tell(error)
            return None

    button.click(
        draw,
        names,
        curves,
        preprocess=False,
        concurrency_id=_QUEUE,
        concurrency_limit=1,
        api_visibility='private',
    )


def _runs(work_dirs: Mapping[str, Path], chosen: Sequence[str]) -> dict[str, Rows]:
    """Return what each of the chosen trainings has logged.

    Raises:
        RequestError: If there is none, or one is not there or has a log that cannot be read.
    """
    if not chosen:
        raise RequestError('choose a training')
    if not all(name in work_dirs for name in chosen):
        raise RequestError('this training is not here any more: load the page again')
    runs = {}
    for name in chosen:
        try:
            runs[name] = read_scalars(work_dirs[name])
        except (OSError, ValueError) as error:
            print_log(f'{type(error).__name__}: {error}', logger='current', level=logging.ERROR)
            raise RequestError(
                f'the log of {printable(name)} cannot be read, and the log of the server says why: choose the others'
            ) from error
    return runs


def _shown(shown: Sequence[NDArray[np.uint8] | None]) -> list[Any]:
    """Return the titles, then the pictures, those that are there."""
    titles = [gr.Markdown(visible=picture is not None) for picture in shown]
    pictures = [gr.Image(value=picture, visible=picture is not None) for picture in shown]
    return [*titles, *pictures]


_PROGRESS = gr.Progress()
