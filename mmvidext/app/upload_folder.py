"""The one folder that holds what was uploaded and what was made of it; it goes when the page ends."""

import shutil
import tempfile
import time
from pathlib import Path

__all__ = ['UploadFolder']


class UploadFolder:
    """A new folder of this process, which no other user of the machine can read; it goes with the ``with`` block.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix='mmvidext-app-')).resolve()

    def __enter__(self) -> 'UploadFolder':
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def files(self) -> list[Path]:
        """Return what is there."""
        return [path for path in self.path.rglob('*') if path.is_file()]

    def find(self, path: str) -> Path:
        """Return an upload by the path that the browser gives back.

        Raises:
            ValueError: If it is not in this folder, or not there any more.
        """
        found = Path(path).resolve()
        if not found.is_relative_to(self.path) or not found.is_file():
            raise ValueError('the video is not here any more: upload it again')
        return found

    def new_file(self, suffix: str) -> Path:
        """Return a path for a result, in a folder of its own."""
        return Path(tempfile.mkdtemp(dir=self.path)) / f'result{suffix}'

    def remove(self, path: Path) -> None:
        """Remove a file of this folder, and the folder around it if nothing else is in it."""
        path.unlink(missing_ok=True)
        if path.parent != self.path and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def remove_older_than(self, seconds: float) -> None:
        """Remove what was not changed for so long."""
        for path in self.files():
            try:
                age = time.time() - path.stat().st_mtime
            except FileNotFoundError:  # the work on it has just ended
                continue
            if age > seconds:
                self.remove(path)
