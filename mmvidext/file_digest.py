"""The SHA-256 of a file."""

import hashlib
from pathlib import Path

__all__ = ['sha256_of']

_BLOCK = 2**20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits, as ``sha256sum`` prints it."""
    digest = hashlib.sha256()
    with path.open('rb') as file:  # hashlib.file_digest came with Python 3.11
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
