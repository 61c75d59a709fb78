"""The one folder that holds what was uploaded and what was made of it; it goes when the page ends."""

import os
import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import RLock

__all__ = ['UploadFolder']


class UploadFolder:
    """A new folder of this process, which no other user of the machine can read; it goes with the ``with`` block.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix='mmvidext-app-')).resolve()
        self._uploads: Counter[Path] = Counter()  # how often each was uploaded: Gradio has one file for equal ones
        self._lock = RLock()

    def __enter__(self) -> 'UploadFolder':
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def files(self) -> list[Path]:
        """Return what is there."""
        return [Path(folder, name) for folder, _, names in os.walk(self.path) for name in names]

    def parts(self) -> list[Path]:
        """Return the uploads of which only a part has come, on the way or broken off."""
        return [path for path in self.path.iterdir() if path.is_file()]

    def num_uploads(self) -> int:
        """Return how many whole uploads are there to work on."""
        with self._lock:
            return sum(count for path, count in self._uploads.items() if path.is_file())

    def add(self, path: Path) -> None:
        """Note an upload; one whose path is there already is an equal one."""
        with self._lock:
            self._uploads[path] += 1

    def find(self, path: str) -> Path:
        """Return an upload by the path that the browser gives back; nothing outside of this folder is looked at.

        Raises:
            ValueError: If it is not in this folder, or not there any more.
        """
        found = Path(path)
        if '..' not in found.parts and found.is_relative_to(self.path):
            try:
                if found.is_file() and found.resolve() == found:
                    return found
            except OSError:  # no name of a file
                pass
        raise ValueError('the video is not here any more: upload it again')

    def release(self, path: Path) -> None:
        """Remove an upload that was worked on, unless it was uploaded once more."""
        with self._lock:
            self._uploads[path] -= 1
            if self._uploads[path] <= 0:
                self.remove(path)

    def new_file(self, suffix: str) -> Path:
        """Return a path for a result, in a folder of its own."""
        return Path(tempfile.mkdtemp(dir=self.path)) / f'result{suffix}'

    def remove(self, path: Path) -> None:
        """Remove a file of this folder, and the folder around it if nothing else is in it."""
        with self._lock:
            self._uploads.pop(path, None)
            path.unlink(missing_ok=True)
            if path.parent != self.path:
                with suppress(OSError):  # another file is in it, or it has gone
                    path.parent.rmdir()

    def remove_older_than(self, seconds: float) -> None:
        """Remove what was not changed for so long."""
        self._remove(self.files(), seconds)

    def remove_parts(self, seconds: float = 0.0) -> None:
        """Remove the parts of uploads to which nothing was added for so long."""
        self._remove(self.parts(), seconds)

    def _remove(self, paths: list[Path], seconds: float) -> None:
        for path in paths:
            try:
                age = time.time() - path.stat().st_mtime
            except FileNotFoundError:  # the work on it has just ended
                continue
            if age >= seconds:
                self.remove(path)
