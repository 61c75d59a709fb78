"""End a command by a signal in an orderly way: what it writes is closed, and the exit code says why it ended."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, TypeVar

import click

__all__ = ['StopSignals', 'exit_on_interrupt', 'exit_on_signals']

_Item = TypeVar('_Item')


def _signals() -> list[signal.Signals]:
    """Return the signals that ask a process to end, without those that it was told to ignore (as nohup does)."""
    names = ('SIGINT', 'SIGTERM', 'SIGHUP')
    return [
        signal.Signals[name]
        for name in names
        if hasattr(signal, name) and signal.getsignal(signal.Signals[name]) != signal.SIG_IGN
    ]


class StopSignals:
    """Notes Ctrl-C, SIGTERM and SIGHUP while it is entered; a loop over :meth:`until_stopped` ends at the next item.

    Example:
        >>> with StopSignals() as stop:
        ...     for frame in stop.until_stopped(range(3)):
        ...         pass
        >>> stop.exit_if_stopped()  # 130 after Ctrl-C, 143 after SIGTERM, as a shell reports them
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _signals()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait(self, seconds: float) -> bool:
        """Sleep; return at once, and true, when a signal comes."""
        return self._stopped.wait(seconds)

    def until_stopped(self, items: Iterator[_Item]) -> Iterator[_Item]:
        """Yield items until a signal comes."""
        for item in items:
            if self._stopped.is_set():
                return
            yield item

    def exit_if_stopped(self) -> None:
        """End the process with 128 + the number of the signal, if one came."""
        if self._number:
            click.echo(f'stopped by {signal.Signals(self._number).name}', err=True)
            sys.exit(128 + self._number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._number = self._number or number
        self._stopped.set()


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """End the command with 130 and no traceback after Ctrl-C, also where a library takes it for an error of its own.

    mmengine does so where it formats a config: it would say that the config has a wrong syntax.
    """
    interrupted = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # it is cared for
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if not interrupted.is_set():
            raise
        click.echo('stopped by SIGINT', err=True)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """End the command where it is, with 128 + the number of the signal and no traceback, when a signal comes."""
    owner = os.getpid()

    def leave(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a worker that was forked
            os._exit(128 + number)
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
