"""Time two implementations against each other in one run.

A shared machine drifts: its speed in one second says little about the next. So both sides are called alternately, the
median of each side is taken, and what counts is the ratio. On CUDA, events are timed, and the cache is overwritten
before each call. Peak memory on a CPU is read in a fresh process for each side.
"""

import ctypes
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from benchmarks.launches import count_launches

_CACHE_BYTES = 2**28  # more than any level-2 cache


@dataclass
class Comparison:
    """Two sides of one measurement; what was not measured is None."""

    name: str
    ours: str
    other: str
    ours_ms: float
    other_ms: float
    ours_peak_mb: float | None = None
    other_peak_mb: float | None = None
    ours_launches: int | None = None
    other_launches: int | None = None
    ours_moved_mb: float | None = None
    other_moved_mb: float | None = None

    @property
    def ratio(self) -> float:
        """How many times longer the other side takes: above 1 we are faster."""
        return self.other_ms / self.ours_ms

    def to_dict(self) -> dict[str, Any]:
        """Return all fields and the ratio, for JSON."""
        return {**asdict(self), 'ratio': self.ratio}


@dataclass
class _Settings:
    device: str = 'cpu'
    dtype: torch.dtype = torch.float32
    cpu_time: bool = False

    @property
    def on_cuda(self) -> bool:
        return self.device.startswith('cuda')


_settings = _Settings()


def set_up(device: str, dtype: torch.dtype, *, cpu_time: bool = False) -> None:
    """Say how to measure from now on.

    Args:
        device: Where the calls run.
        dtype: Calls run under autocast in it; float32 is without.
        cpu_time: Measure the processor time of this process: other people's work on the machine does not count.
    """
    _settings.device, _settings.dtype, _settings.cpu_time = device, dtype, cpu_time


def call(function: Callable[[], Any]) -> Any:
    """Call a function under the autocast that was set up."""
    if _settings.dtype == torch.float32:
        return function()
    with torch.autocast(torch.device(_settings.device).type, _settings.dtype):
        return function()


@cache
def _cache_filler() -> torch.Tensor:
    return torch.empty(_CACHE_BYTES, dtype=torch.uint8, device=_settings.device)


def time_once(function: Callable[[], Any]) -> float:
    """Return the milliseconds of one call."""
    if not _settings.on_cuda:
        clock = time.process_time if _settings.cpu_time else time.perf_counter
        start = clock()
        call(function)
        return (clock() - start) * 1000
    _cache_filler().zero_()  # or the inputs would come from the cache, where the last call left them
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    call(function)
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end))


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
        call(ours)
        call(other)
    times: tuple[list[float], list[float]] = ([], [])
    sides = (ours, other)
    for index in range(rounds):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            times[side].append(time_once(sides[side]))
    return statistics.median(times[0]), statistics.median(times[1])


def compare(
    name: str,
    ours: tuple[str, Callable[[], Any]],
    other: tuple[str, Callable[[], Any]],
    *,
    rounds: int = 15,
    warmup: int = 2,
    peaks: tuple[float, ...] | None = None,
) -> Comparison:
    """Measure two sides: times, launches and bytes moved, and on CUDA the memory.

    Args:
        name: Of the row.
        ours: Name and call of one side.
        other: Name and call of the other side.
        rounds: Timed calls of each side.
        warmup: Calls of each side before the clock starts.
        peaks: Peak memory of both sides in MiB, where :func:`peak_memories` measured it.
    """
    calls = ours[1], other[1]
    times = time_alternately(*calls, rounds=rounds, warmup=warmup)
    if _settings.on_cuda:
        peaks = peak_on_cuda(calls[0]), peak_on_cuda(calls[1])
    (our_launches, our_mb), (other_launches, other_mb) = (launches(side) for side in calls)
    return Comparison(
        name, ours[0], other[0], *times, *(peaks or (None, None)), our_launches, other_launches, our_mb, other_mb
    )


def launches(function: Callable[[], Any]) -> tuple[int, float]:
    """Return the launches of a call, and the MiB of what they read and write."""
    return count_launches(lambda: call(function))


def peak_on_cuda(function: Callable[[], Any]) -> float:
    """Return by how many MiB a call raises the memory that torch holds on the device."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call(function)
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def peak_memories(*makes: Callable[[], Callable[[], Any]]) -> tuple[float, ...] | None:
    """Return :func:`peak_memory` of each side, None on CUDA, where :func:`compare` measures it."""
    return None if _settings.on_cuda else tuple(peak_memory(make) for make in makes)


def memory_kib(field: str) -> int:
    """Return ``VmRSS``, this process's resident memory now, or ``VmHWM``, its peak since it was last reset, in KiB."""
    status = Path('/proc/self/status').read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(field)))


def _report_peak(make: Callable[[], Callable[[], Any]], connection: Any) -> None:
    function = make()
    # a child starts with its parent's peak in getrusage, so reset it, and read the child's own counter
    Path('/proc/self/clear_refs').write_text('5')
    before = memory_kib('VmHWM')
    function()
    connection.send((memory_kib('VmHWM') - before) / 1024)


def peak_memory(make: Callable[[], Callable[[], Any]]) -> float:
    """Return by how many MiB one call on the CPU raises the peak memory of a fresh process.

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
