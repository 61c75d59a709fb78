"""Name the process that a run has lost or waits for in vain: a worker that loads data, or a rank."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch import distributed

__all__ = ['LostProcessError', 'naming_lost_processes']

# what torch says when a loader, gloo, or NCCL has waited too long, or has lost a neighbor
_LOADER_MARK = 'DataLoader timed out'
_WORKER_MARK = 'DataLoader worker (pid'
_SHARING_MARKS = ('</torch_', 'Bus error')  # the name of a piece of shared memory; written to where there is no room
_FILES_MARK = 'Too many open files'
_RANK_MARKS = ('Timed out', 'timed out', 'timeout', 'Connection closed by peer', 'Connection reset by peer')
_STATES = {'T': 'stopped', 't': 'stopped by a debugger', 'D': 'waiting for a disk', 'Z': 'dead'}
_ROLL_CALL_SECONDS = 5.0
_WATCH_SECONDS = 1.0


class LostProcessError(RuntimeError):
    """A process is dead or does not answer; the message names it and what to look for."""


@contextmanager
def naming_lost_processes(*, stopped_seconds: float = 0) -> Iterator[None]:
    """Run a training or an evaluation; if it ends early, leave no workers behind, and say which process was lost.

    Args:
        stopped_seconds: How long a worker may be stopped, as by SIGSTOP, before it is killed, which ends the run; 0 is
            without limit. The time limit of a loader cannot replace it: whoever unpacks a batch asks the worker that
            made it for the shared memory, and waits for the answer without a limit.

    Raises:
        LostProcessError: If a worker died, or a worker or a rank did not answer in time. Other errors pass unchanged.
    """
    watch = _StoppedWorkers(stopped_seconds)
    try:
        with watch:
            yield
    except BaseException as error:
        message = watch.message
        if message is None and isinstance(error, RuntimeError):
            message = _describe(str(error))
        _kill_workers()
        if message is None or not isinstance(error, Exception):
            raise
        raise LostProcessError(message) from error


class _StoppedWorkers:
    """A thread that kills workers which are stopped for too long; what waits for one then gets an error."""

    def __init__(self, seconds: float) -> None:
        self.message: str | None = None
        self._seconds = seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        if self._seconds > 0 and Path('/proc/self/stat').exists():
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        looks: dict[Any, int] = {}  # not a clock: it would go on while this process is stopped with its workers
        while not self._end.wait(_WATCH_SECONDS):
            looks = {worker: looks.get(worker, 0) + 1 for worker in _workers() if _state(worker.pid) in ('T', 't')}
            for worker, times in looks.items():
                if times * _WATCH_SECONDS >= self._seconds:
                    self.message = (
                        f'worker pid {worker.pid} did not run for {self._seconds:g} seconds '
                        f'({_STATES.get(_state(worker.pid), "stopped")}), and was killed. Who stopped it? If that may '
                        'last longer, raise timeout of the dataloader in the config (seconds)'
                    )
                    worker.kill()
                    return


def _workers() -> list[Any]:
    return [child for child in multiprocessing.active_children() if child.daemon]


def _kill_workers() -> None:
    """End the workers of all loaders; one that hangs would not end when it is asked to, and block the exit."""
    workers = _workers()
    if workers and hasattr(signal, 'SIGCHLD') and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch takes the death of a worker for an error
    for worker in workers:
        worker.kill()


def _describe(text: str) -> str | None:
    if 'worker' in text and _FILES_MARK in text:  # torch says it of a worker, and of what comes from one
        return (
            f'{_line(text, _FILES_MARK)}: workers keep a file open for each tensor of their batches. Raise the hard '
            'limit (ulimit -Hn), or lower num_workers or the batch size of the dataloader'
        )
    sharing = [mark for mark in _SHARING_MARKS if mark in text]
    if 'DataLoader worker' in text and sharing:
        return (
            f'{_line(text, sharing[0])}: workers hand over their batches in /dev/shm, which is full. Make it larger '
            '(in Docker --shm-size=8g or --ipc=host), or lower num_workers or the batch size of the dataloader; '
            'num_workers=0 needs none of it'
        )
    if _LOADER_MARK in text:
        states = '; '.join(_worker_states()) or 'none is left'
        return (
            f'no worker delivered a batch in time: {text.strip()} Workers: {states}. Look at the disk that the data is '
            'on; if a batch may take that long, raise timeout of the dataloader in the config (seconds)'
        )
    if _WORKER_MARK in text:
        return (
            f'{text.strip().splitlines()[0]} Was it killed for its memory? Then lower num_workers of the dataloader '
            'or the batch size'
        )
    if distributed.is_initialized() and distributed.get_world_size() > 1 and any(mark in text for mark in _RANK_MARKS):
        silent = _silent_ranks()
        who = f'rank {", ".join(map(str, silent))} does not answer' if silent else 'a rank answered too late'
        return (
            f'{who} (rank {distributed.get_rank()} waited): {text.strip().splitlines()[0]}. If a step may take that '
            'long, raise env_cfg.dist_cfg.timeout in the config (seconds)'
        )
    return None


def _line(text: str, mark: str) -> str:
    """Return the last line of an error with a mark in it."""
    line = [line for line in text.splitlines() if mark in line][-1]
    return line.strip().removeprefix('RuntimeError: ').rstrip('.')


def _worker_states() -> list[str]:
    """Describe the workers of this process; on Linux also what each of them waits for."""
    return [
        f'pid {worker.pid} ({_STATES.get(_state(worker.pid), "running")})'
        for worker in sorted(_workers(), key=lambda worker: worker.pid or 0)
    ]


def _state(pid: int | None) -> str:
    with suppress(OSError, IndexError):
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    return ''


def _silent_ranks() -> list[int]:
    """Call the roll in the store of the launcher; return who does not answer, empty if the store is gone.

    Ranks that waited for the same one come here at about the same time, so a few seconds are enough.
    """
    rank, size = distributed.get_rank(), distributed.get_world_size()
    with suppress(RuntimeError, OSError, KeyError, ValueError):
        store = distributed.TCPStore(
            os.environ['MASTER_ADDR'],
            int(os.environ['MASTER_PORT']),
            is_master=False,
            timeout=timedelta(seconds=_ROLL_CALL_SECONDS),
        )
        roll = f'mmvidext/alive/{os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)}'  # the store outlives a restart
        store.set(f'{roll}/{rank}', 'here')
        missing = set(range(size)) - {rank}
        deadline = time.monotonic() + _ROLL_CALL_SECONDS
        while missing and time.monotonic() < deadline:
            time.sleep(0.1)
            missing = {other for other in missing if not store.check([f'{roll}/{other}'])}
        time.sleep(0.5)  # the launcher stops all when the first ends: let the others see the roll
        return sorted(missing)
    return []
