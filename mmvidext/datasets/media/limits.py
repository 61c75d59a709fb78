"""Read with limits of size and time, and try out in a child process what may end the process."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
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


def crash_in_child(function: Callable[[], object], seconds: float, *, idle_seconds: float = 5.0) -> str | None:
    """Run a function in a copy of this process and say how that died, ``None`` if it did not.

    What the function returns or raises is lost. Where processes cannot be copied (Windows), nothing is run.

    A copy has the locks that threads of this process held at that moment, and nobody to release them: if it waits for
    one, it waits for ever. So a copy that does nothing for a while is replaced by another (on Linux).

    Args:
        function: What to try.
        seconds: After these, all copies together, the child is killed, which counts as its death.
        idle_seconds: How long the first copy may use no processor before it is replaced, each next one twice as long.
    """
    if not hasattr(os, 'fork'):
        return None
    deadline = time.monotonic() + seconds
    while True:
        status = _wait(_start_child(function), deadline, idle_seconds)
        if status is not None:
            return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
        if time.monotonic() >= deadline:
            return signal.SIGKILL.name
        idle_seconds *= 2  # it may have waited for a slow disk


def _start_child(function: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(0)
    return pid


def _wait(pid: int, deadline: float, idle_seconds: float) -> int | None:
    """Return the status with which a child ended; None if it was killed here: too late, or idle."""
    used, look = _processor_ticks(pid), time.monotonic() + idle_seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
        now, is_idle = time.monotonic(), False
        if now > look:
            before, used, look = used, _processor_ticks(pid), now + idle_seconds
            is_idle = used is not None and used == before
        if is_idle or now > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None


def _processor_ticks(pid: int) -> int | None:
    """Return how much a process has computed, in hundredths of a second; None where that is not known."""
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])
