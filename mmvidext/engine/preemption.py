"""End a run when the cluster asks for its machine: note the signal, stop where all processes agree."""

import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

import torch
from torch import distributed

__all__ = ['EXIT_RESUME_ME', 'Preemption']

EXIT_RESUME_ME = 75  # EX_TEMPFAIL of sysexits.h: try again later
_NAMES = ('SIGTERM', 'SIGUSR1', 'SIGHUP')  # SIGHUP: the terminal, or the connection to it, is gone


class Preemption:
    """Notes SIGTERM, SIGUSR1 and SIGHUP while it listens; not those that are ignored, as nohup has SIGHUP.

    Attributes:
        noticed: Whether this process got one.
    """

    def __init__(self) -> None:
        self.noticed = False
        self._handlers: dict[int, Any] = {}
        self._group: Any = None

    def listen(self, timeout: timedelta | None) -> None:
        """Begin to listen; called on every process. Only the main thread can.

        Args:
            timeout: How long a process waits for another one to agree; None is torch's default.
        """
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]  # Windows has but the first
            heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
            self._handlers = {number: _before_runs(number, signal.signal(number, self._note)) for number in heeded}
        if distributed.is_initialized() and distributed.get_world_size() > 1:
            self._group = distributed.new_group(backend='gloo', timeout=timeout)  # of the CPUs: never waits for a GPU

    def close(self) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def ignore(self) -> None:
        """Heed no signal any more: this process ends, and its exit code says why.

        A launcher ends all processes when the first has ended. Python gives the signals back long before it has ended.
        """
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)

    def agreed(self) -> bool:
        """Whether any process got a signal: the same answer on all; called on every process."""
        if self._group is None:
            return self.noticed
        flag = torch.tensor(int(self.noticed))
        distributed.all_reduce(flag, distributed.ReduceOp.MAX, group=self._group)
        return bool(flag)

    def wait_for_all(self) -> None:
        """Wait until every process is here."""
        if self._group is not None:
            distributed.barrier(group=self._group)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noticed = True


def _before_runs(number: int, handler: Any) -> Any:
    """Return the handler that a run found, in place of the one of a run that ended with an error."""
    owner = getattr(handler, '__self__', None)
    return owner._handlers.get(number, signal.SIG_DFL) if isinstance(owner, Preemption) else handler
