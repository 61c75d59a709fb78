"""Time two implementations against each other in one run.

A shared machine drifts: its speed in one second says little about the next. So both sides are called alternately, the
median of each side is taken, and what counts is the ratio. Peak memory is read in a fresh process for each side.
"""

import ctypes
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass
class Comparison:
    """Two sides of one measurement."""

    name: str
    ours: str
    other: str
    ours_ms: float
    other_ms: float
    ours_peak_mb: float | None = None
    other_peak_mb: float | None = None

    @property
    def ratio(self) -> float:
        """How many times longer the other side takes: above 1 we are faster."""
        return self.other_ms / self.ours_ms

    def to_dict(self) -> dict[str, Any]:
        """Return all fields and the ratio, for JSON."""
        return {**asdict(self), 'ratio': self.ratio}


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


_clock = time.perf_counter


def use_cpu_time() -> None:
    """Measure the processor time of this process from now on: other people's work on the machine does not count."""
    global _clock
    _clock = time.process_time


def milliseconds() -> float:
    """Return the time in milliseconds, of the clock that the command line chose."""
    return _clock() * 1000


def _time_once(function: Callable[[], Any]) -> float:
    _synchronize()
    start = milliseconds()
    function()
    _synchronize()
    return milliseconds() - start


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for the next request; elsewhere, do nothing.

    Otherwise it gives memory back to the kernel or not depending on what happens to lie at the top of its heap. To get
    it again can take a tenth of a model's time, on one side of a comparison and not on the other.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, 'mallopt'):
        trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(mmap_max, 0)  # large blocks, too, come from the heap, which keeps them


def share_weights(model: torch.nn.Module, other: torch.nn.Module, *, drop: str | None = None) -> None:
    """Let a model read its weights from the memory of another, which may have more of them.

    Where its weights happen to lie changes a model's time by some percent.

    Args:
        model: The model whose weights are replaced.
        other: The model that has them.
        drop: Part of the other's keys to leave out, for a module that wraps another one.
    """
    weights = {name.replace(drop or '', ''): weight for name, weight in other.state_dict().items()}
    model.load_state_dict({name: weights[name] for name in model.state_dict()}, assign=True)


def time_alternately(
    ours: Callable[[], Any], other: Callable[[], Any], *, rounds: int = 15, warmup: int = 2
) -> tuple[float, float]:
    """Call both sides alternately and return the median time of each.

    Args:
        ours: First side.
        other: Second side.
        rounds: Timed calls of each side. The order within a round alternates, so neither side always runs on the cache
            that the other one left.
        warmup: Calls of each side before the clock starts.

    Returns:
        Median milliseconds of ``ours`` and of ``other``.
    """
    for _ in range(warmup):
        ours()
        other()
    times: tuple[list[float], list[float]] = ([], [])
    sides = (ours, other)
    for index in range(rounds):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            times[side].append(_time_once(sides[side]))
    return statistics.median(times[0]), statistics.median(times[1])


def memory_kib(field: str) -> int:
    """Return ``VmRSS``, this process's resident memory now, or ``VmHWM``, its peak since it was last reset, in KiB."""
    status = Path('/proc/self/status').read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(field)))


def _report_peak(make: Callable[[], Callable[[], Any]], connection: Any) -> None:
    function = make()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        _synchronize()
        connection.send((torch.cuda.max_memory_allocated() - before) / 2**20)
        return
    # a child starts with its parent's peak in getrusage, so reset it, and read the child's own counter
    Path('/proc/self/clear_refs').write_text('5')
    before = memory_kib('VmHWM')
    function()
    connection.send((memory_kib('VmHWM') - before) / 1024)


def peak_memory(make: Callable[[], Callable[[], Any]]) -> float:
    """Return by how many MiB one call raises the peak memory of a fresh process.

    Args:
        make: A picklable function that prepares the inputs and returns the call to measure. The inputs do not count.
    """
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report_peak, args=(make, sender))
    process.start()
    sender.close()
    try:
        return float(receiver.recv())
    except EOFError:
        raise RuntimeError('the process that measures peak memory died; its error is printed above') from None
    finally:
        process.join()
