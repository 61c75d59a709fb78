"""Fetch a file from an address: resumed where it broke off, checked, and there only when it is whole."""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, InvalidURL
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlparse
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

import torch
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from mmvidext.file_digest import sha256_of

__all__ = ['cached_file', 'download', 'sha256_in_name']

_TRIES = 5
_CHUNK = 1 << 18  # bytes
_TIMEOUT = 60.0  # seconds without a byte
_LONGEST_NAME = 245  # bytes; NAME.part.etag has 255
# OpenMMLab and torchvision end a name with how the SHA-256 of the file begins; eight digits may be a date
_NAMED_SHA256 = re.compile(r'-(?=[0-9]*[a-f])([0-9a-f]{8})\.(?:pth|pt|pkl|safetensors)$')


class _SafeRedirects(HTTPRedirectHandler):
    """Follows redirects, but not from https to an address that anybody on the way can answer."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        """Return the request to make, or raise."""
        if req.full_url.startswith('https://') and not newurl.startswith('https://'):
            raise URLError(f'it is redirected from https to {newurl}')
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def cached_file(url: str) -> Path:
    """Return where a URL's file is kept in the cache of ``torch.hub``.

    A name that ends with the file's hash belongs to one file, whoever fetched it. Another, such as ``latest.pth``, may
    stand at the end of many addresses, so each address has a folder.

    Raises:
        FileNotFoundError: If the address ends with no name that a file of the cache can have.
    """
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    try:
        name = Path(unquote(urlparse(url).path)).name
    except ValueError as error:
        raise FileNotFoundError(f'{url} cannot be downloaded: {error}') from error
    if not name.isprintable() or name.startswith('.') or not 0 < len(os.fsencode(name)) <= _LONGEST_NAME:
        raise FileNotFoundError(f'{url} cannot be downloaded: its last part, {name[:40]!r}, is no name for a file')
    return folder / name if sha256_in_name(name) else folder / hashlib.sha256(os.fsencode(url)).hexdigest()[:8] / name


def sha256_in_name(name: str) -> str:
    """Return how the SHA-256 of a file begins, where its name says so; else nothing."""
    found = _NAMED_SHA256.search(name)
    return found[1] if found else ''


def download(url: str, path: Path | None = None, *, sha256: str = '', wait: float = 1.0) -> Path:
    """Return the file of a URL, fetching it unless it is there.

    A transfer that breaks off is continued (HTTP ``Range``), up to four times with growing pauses; what has come by
    then is kept as ``NAME.part``, and the next call goes on from there.

    Args:
        url: ``https://`` or ``http://``. Redirects are followed, but none from https to http.
        path: Where to keep it; by default :func:`cached_file`.
        sha256: How its SHA-256 must begin. Empty takes that from the name of the file, if it has one.
        wait: Seconds of the first pause.

    Raises:
        FileNotFoundError: If it cannot be fetched, or is a web page.
        ValueError: If it has another SHA-256; then nothing is kept.
    """
    path = cached_file(url) if path is None else path
    sha256 = (sha256 or sha256_in_name(path.name)).lower()
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    MMLogger.get_current_instance().info(f'downloading {url} to {path}')
    part = path.with_name(f'{path.name}.part')
    with _alone(path.with_name('.download.lock')):
        if path.is_file():  # another process was faster
            return path
        _transfer(url, part, wait)
        _check(url, part, sha256)
        part.replace(path)
    return path


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process of this machine download at a time, where the system has such locks; the lock file stays."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with lock.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _transfer(url: str, part: Path, wait: float) -> None:
    """Fetch a file, going on where a transfer broke off."""
    opener = build_opener(_SafeRedirects)
    tag = part.with_name(f'{part.name}.etag')  # of what `part` is a part of
    for attempt in range(_TRIES):
        try:
            _continue(opener, url, part, tag)
        except HTTPError as error:
            if error.code == 416 and tag.is_file():  # all of it had come; it is fetched anew, as it was not checked
                tag.unlink()
            elif error.code < 500 and error.code not in (408, 429):
                raise FileNotFoundError(f'{url} cannot be downloaded: {error}') from error
            reason: object = error
        except URLError as error:  # nobody answers: that is no transfer that breaks off
            text = getattr(error.reason, 'strerror', None) or error.reason
            by_hand = f'without a network, fetch it elsewhere and put it at {part.with_suffix("")}'
            raise FileNotFoundError(f'{url} cannot be downloaded: {text}; {by_hand}') from error
        except (InvalidURL, ValueError) as error:  # http.client and the codecs of hosts raise both
            raise FileNotFoundError(f'{url} cannot be downloaded: {error}') from error
        except (HTTPException, ConnectionError, TimeoutError, SSLError) as error:
            reason = error
        else:
            tag.unlink(missing_ok=True)
            return
        if attempt < _TRIES - 1:
            MMLogger.get_current_instance().info(f'{url} broke off ({reason}): trying again')
            time.sleep(wait * 2**attempt)
    kept = f'; the {part.stat().st_size} bytes that came are kept, and are continued' if part.is_file() else ''
    raise FileNotFoundError(f'{url} cannot be downloaded: {reason}{kept}')


def _continue(opener: OpenerDirector, url: str, part: Path, tag: Path) -> None:
    """Fetch what is missing of a file."""
    request = Request(url, headers={'User-Agent': 'mmvidext'})
    kept = tag.read_text(encoding='latin-1') if tag.is_file() else ''  # as http.client reads and writes headers
    begin = part.stat().st_size if part.is_file() and kept and kept.isprintable() else 0
    if begin:  # only if the file is still the same; else the server sends all of it
        request.add_header('Range', f'bytes={begin}-')
        request.add_header('If-Range', kept)
    with opener.open(request, timeout=_TIMEOUT) as answer:
        if answer.headers.get_content_type() == 'text/html':
            raise FileNotFoundError(f'{url} cannot be downloaded: it is a web page, not a file')
        goes_on = answer.status == 206 and answer.headers.get('Content-Range', '').startswith(f'bytes {begin}-')
        name = answer.headers.get('ETag') or answer.headers.get('Last-Modified') or ''
        if name and not name.startswith('W/'):
            tag.write_text(name, encoding='latin-1')
        length = getattr(answer, 'length', None)  # None too if the server sends what is no number
        begin = begin if goes_on else 0
        with part.open('ab' if goes_on else 'wb') as file:
            _copy(answer, file, begin=begin, total=begin + length if length else None)


def _copy(answer: Any, file: Any, *, begin: int, total: int | None) -> None:
    """Write what comes, with a progress bar where somebody looks on."""
    console = Console(stderr=True)
    columns = (TextColumn('Downloading'), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task('', total=total, completed=begin)
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            progress.advance(bar, len(chunk))
    if total is not None and file.tell() < total:
        raise ConnectionError(f'{file.tell()} of {total} bytes came')


def _check(url: str, part: Path, sha256: str) -> None:
    found = sha256_of(part)
    if not found.startswith(sha256):
        part.unlink()
        raise ValueError(
            f'{url} has the SHA-256 {found}, which should begin with {sha256}; it was deleted: the transfer was '
            'disturbed, or the file is another one'
        )
