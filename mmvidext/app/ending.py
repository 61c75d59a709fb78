"""The end of the page, for which work in progress stops: Python cannot end while a thread is in a library of C++."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from mmvidext.app.work import RequestError

__all__ = ['Ending']


class Ending:
    """Lets one request be worked on at a time, and none once the page ends.

    Example:
        >>> ending = Ending()
        >>> with ending.work():  # in the thread of a request
        ...     ending.check()
        >>> ending.ask()  # in the thread that ends the page
        >>> ending.wait(20)
        True
    """

    def __init__(self) -> None:
        self._asked, self._working = Event(), Lock()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Work while the block runs.

        Raises:
            RequestError: If the page ends.
        """
        with self._working:
            self.check()
            yield

    def check(self) -> None:
        """Stop the work if the page ends; called after each frame.

        Raises:
            RequestError: If it does.
        """
        if self._asked.is_set():
            raise RequestError('the page has ended')

    def ask(self) -> None:
        """Ask for the end of the work, and let no more begin."""
        self._asked.set()

    def wait(self, seconds: float) -> bool:
        """Return whether the work has ended after at most so many seconds; it must have been asked to."""
        if not self._working.acquire(timeout=seconds):
            return False
        self._working.release()
        return True
