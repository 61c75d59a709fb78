"""Checks of many files that remember what they found good, so that a check that was interrupted goes on."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from mmvidext.datasets.parallel import iterate_with_progress

__all__ = ['check_with_memory', 'checked_names', 'fingerprint']

Finding = dict[str, Any]


def fingerprint(*paths: str | Path) -> list[int]:
    """Return the bytes of files, or of those in folders, and the latest change; -1 twice if one is missing."""
    size = modified = 0
    for path in map(Path, paths):
        try:
            status = [file.stat() for file in (path.iterdir() if path.is_dir() else [path])]
        except OSError:
            return [-1, -1]
        size += sum(one.st_size for one in status)
        modified = max([modified, *(one.st_mtime_ns for one in status)])
    return [size, modified]


def check_with_memory(
    check: Callable[[str], Finding],
    names: Sequence[str],
    memory: Path,
    *,
    current: Callable[[str], list[int]],
    description: str,
    workers: int = 0,
    restore: Callable[[Finding], Any] = dict,
) -> list[Any]:
    """Check what was not found good before, or has changed since.

    Args:
        check: Takes a name and returns what it found, as JSON can hold it, with a ``problem`` that is None if all is
            well. It must be importable by its name when there are worker processes.
        names: What to check.
        memory: File to which each finding is added at once.
        current: The fingerprint of a name now, see :func:`fingerprint`.
        description: Shown in front of the progress bar.
        workers: Processes; 0 works in this one.
        restore: Makes of a finding what is returned. A line of the memory of which it cannot is not used.

    Returns:
        The findings, restored, in the order of ``names``.

    Raises:
        ValueError: If a worker process dies.
    """
    known = _read(memory, restore)
    findings = {}
    for name in names:
        before, problem, finding = known.get(name, ([], '', None))
        if problem is None and before == current(name):
            findings[name] = finding
    unknown = [name for name in dict.fromkeys(names) if name not in findings]
    memory.parent.mkdir(parents=True, exist_ok=True)
    with memory.open('a', encoding='utf-8') as file:
        if file.tell():
            file.write('\n')  # the last line may have been cut off
        results: Iterable[Finding] = iterate_with_progress(check, unknown, description=description, workers=workers)
        try:
            for name, finding in zip(unknown, results, strict=True):
                findings[name] = restore(finding)
                file.write(json.dumps([name, current(name), finding]) + '\n')
                file.flush()
        except BrokenProcessPool as error:
            raise ValueError(
                'a process that checks files died: its decoder crashed, or memory ran out. What was found is kept: run '
                'it again, with fewer workers; with 0 the crash tells the file'
            ) from error
    return [findings[name] for name in names]


def checked_names(memory: Path) -> set[str]:
    """Return the names of which a memory has a finding, good or bad."""
    return set(_read(memory, dict))


def _read(memory: Path, restore: Callable[[Finding], Any]) -> dict[str, tuple[list[int], Any, Any]]:
    known = {}
    for line in memory.read_text(encoding='utf-8', errors='replace').splitlines() if memory.exists() else ():
        try:
            name, before, finding = json.loads(line)
            known[name] = before, finding['problem'], restore(finding)
        # a line that was cut off when the last run was stopped, or that somebody else wrote
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            continue
    return known
