"""End a process when its parent ends, so that a launcher or a run that is killed leaves no orphans. Linux only."""

import ctypes
import os
import signal
import sys
import threading

__all__ = ['end_forks_with_this_process', 'end_with_parent']

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel to send this process a signal when the thread that started it ends; elsewhere do nothing.

    Args:
        number: The signal.
    """
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def end_forks_with_this_process() -> None:
    """Kill what this process forks from its main thread, such as workers that load data, when it ends.

    A worker looks for its parent only between two samples: one that waits for a dead disk would stay for ever.
    """
    if sys.platform == 'linux' and _Forks.owner != os.getpid():
        _Forks.owner = os.getpid()
        os.register_at_fork(before=_Forks.before, after_in_child=_Forks.in_child)


class _Forks:
    """What a child must know of the moment before the fork."""

    owner = 0
    is_main_thread = False

    @classmethod
    def before(cls) -> None:
        cls.is_main_thread = os.getpid() == cls.owner and threading.current_thread() is threading.main_thread()

    @classmethod
    def in_child(cls) -> None:
        if not cls.is_main_thread:  # a thread may end long before its process
            return
        end_with_parent(signal.SIGKILL)
        if os.getppid() != cls.owner:  # it ended before the kernel was asked
            os._exit(1)
