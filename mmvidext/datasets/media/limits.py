"""Read with limits of size and time, and try out in a child process what may end the process."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from mmvidext.datasets.media.files import BadFileError

__all__ = ['MOST_PIXELS', 'crash_in_child', 'within']

MOST_PIXELS = 2**26  # of a picture or a frame: twice 8K video

Result = TypeVar('Result')


def within(seconds: float, function: Callable[[], Result], *, name: str) -> Result:
    """Return what a function returns, unless that takes too long.

    It runs in a thread of its own: a signal would not reach code outside Python, such as a decoder that loops. A thread
    that takes too long is left behind and ends with the process.

    Args:
        seconds: The limit.
        function: What to run.
        name: Of the file that it reads, for the message.

    Raises:
        BadFileError: If it takes longer.
        BaseException: Whatever the function raises.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise BadFileError(f'{name} takes longer than {seconds:g} s to read; if that is right, raise time_limit')
    return results[0]


def crash_in_child(function: Callable[[], object], seconds: float) -> str | None:
    """Run a function in a copy of this process and say how that died, ``None`` if it did not.

    What the function returns or raises is lost. Where processes cannot be copied (Windows), nothing is run.

    Args:
        function: What to try.
        seconds: After these the child is killed, which counts as its death.
    """
    if not hasattr(os, 'fork'):
        return None
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended:
        time.sleep(0.002)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        ended, status = os.waitpid(pid, os.WNOHANG)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
