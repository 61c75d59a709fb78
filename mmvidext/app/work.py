"""One request: from the upload to what is shown, with a message for whatever may be wrong with the video."""

import logging
from collections.abc import Callable
from typing import Any

from mmengine.logging import print_log

from mmvidext.apis.frame_sources import Source
from mmvidext.app.child_frames import FrameProcess
from mmvidext.app.limits import Limits
from mmvidext.app.tasks import Task
from mmvidext.app.upload_folder import UploadFolder
from mmvidext.app.view import View

__all__ = ['RequestError', 'work_on']


class RequestError(Exception):
    """A request that cannot be answered; the message is for the browser and has no path."""


def work_on(
    task: Task | None, upload: str, *, folder: UploadFolder, limits: Limits, on_frame: Callable[[int, int], Any]
) -> View:
    """Run a model on an upload, which is removed in any case.

    Args:
        task: The model; None if the page has it no more.
        upload: The path that the browser was given for it.
        folder: Where it is, and where the result goes.
        limits: What is refused.
        on_frame: Called after each frame with its number, and how many there are; its RequestError ends the work.

    Raises:
        RequestError: If the model or the video is not there, if the video cannot be read or is too long. What else goes
            wrong is logged here, and the message says only that.
    """
    out = folder.new_file('.mp4')
    try:
        path = folder.find(upload)
        try:
            if task is None:
                raise ValueError('this model is not here any more: load the page again')
            with FrameProcess(path, limits) as process:
                source = Source(process.frames(), process.num_frames, process.frame_rate)
                return task.run(source, out, lambda number: on_frame(number, process.num_frames))
        finally:
            folder.release(path)
    except RequestError:
        folder.remove(out)
        raise
    except ValueError as error:
        folder.remove(out)
        raise RequestError(str(error).replace(str(folder.path), '')) from error
    except Exception as error:
        folder.remove(out)
        print_log(f'{type(error).__name__}: {error}', logger='current', level=logging.ERROR)
        raise RequestError('this went wrong on the server, whose log says why') from error
