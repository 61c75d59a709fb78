"""A limit on the time that reading one sample may take."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ['SampleTimeoutError', 'time_limit']


class SampleTimeoutError(TimeoutError):
    """Reading took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise an error if the block is not done in time.

    The alarm of the operating system interrupts waiting for a file, and a decoder between two frames. It works in the
    main thread of a process, where the samples are read with and without workers; elsewhere there is no limit. An alarm
    that somebody else has set is left alone.

    Args:
        seconds: The limit; 0 sets none.

    Raises:
        SampleTimeoutError: When the time is over.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not seconds or not is_main or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise SampleTimeoutError(f'takes longer than {seconds:g} seconds (seconds_per_sample)')

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
