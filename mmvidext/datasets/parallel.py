"""One function over many items, in several processes, with a progress bar."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import cv2
from rich.console import Console
from rich.progress import track

__all__ = ['iterate_with_progress', 'map_with_progress']

Item = TypeVar('Item')
Result = TypeVar('Result')

_MOST_PER_TASK = 16  # few enough for a steady progress bar, many enough that a worker seldom waits


def _begin_worker() -> None:
    cv2.setNumThreads(1)  # the processes are the parallelism
    if parent := multiprocessing.parent_process():  # a worker whose parent is killed would wait for ever
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(process: multiprocessing.process.BaseProcess) -> None:
    process.join()
    os._exit(1)


def _context(module: str) -> multiprocessing.context.BaseContext:
    """Return a way to start processes that does not copy this one: the threads of decord or OpenCV would be missing."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([module])  # imported once, not by every worker
    return context


def iterate_with_progress(
    function: Callable[[Item], Result], items: Sequence[Item], *, description: str, workers: int = 0
) -> Iterator[Result]:
    """Yield ``function(item)`` for every item, in order, and show how far it is on the standard error stream.

    Args:
        function: Must be importable by its name when there are worker processes.
        items: What to apply it to.
        description: Shown in front of the progress bar.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If ``workers`` is negative.
        Exception: Whatever ``function`` raises; items that have not begun are then not begun.
        BrokenProcessPool: If a worker dies, for example for lack of memory.
    """
    if workers < 0:
        raise ValueError(f'workers must be 0 (work in this process) or more, but is {workers}')
    console = Console(stderr=True)
    if workers == 0 or not items:
        yield from (function(item) for item in track(items, description, console=console))
        return
    per_task = min(_MOST_PER_TASK, 1 + len(items) // (4 * workers))
    context = _context(function.__module__)
    with ProcessPoolExecutor(min(workers, len(items)), context, _begin_worker) as pool:
        results = pool.map(function, items, chunksize=per_task)
        yield from track(results, description, total=len(items), console=console)


def map_with_progress(
    function: Callable[[Item], Result], items: Sequence[Item], *, description: str, workers: int = 0
) -> list[Result]:
    """Return everything that :func:`iterate_with_progress` yields."""
    return list(iterate_with_progress(function, items, description=description, workers=workers))
