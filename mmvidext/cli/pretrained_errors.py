"""What to do when mmengine cannot fetch the file that a part of a model starts from: its own errors name no address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from torch import nn

from mmvidext.checkpoints.locate import address_of
from mmvidext.models.pretrained_file import pretrained_files

__all__ = ['naming_what_cannot_be_fetched']


@contextmanager
def naming_what_cannot_be_fetched(model: nn.Module) -> Iterator[None]:
    """Turn an error of mmengine's download into one that names the addresses, and where a file by hand would go.

    Raises:
        FileNotFoundError: If a file of ``init_cfg`` cannot be fetched.
    """
    try:
        yield
    except URLError as error:
        raise FileNotFoundError(_cannot_fetch(error, model)) from error
    except ImportError as error:
        needing = [file for file in pretrained_files(model) if file.startswith('torchvision://')]
        if error.name != 'torchvision' or not needing:
            raise
        urls = ', '.join(map(address_of, needing))
        raise ImportError(
            f'{", ".join(needing)} needs torchvision, which is not installed: install it, or write the address {urls}'
        ) from error


def _cannot_fetch(error: URLError, model: nn.Module) -> str:
    """Say what is missing: of several files mmengine does not tell which one it was."""
    files = {file: address_of(file) for file in pretrained_files(model) if '://' in file}
    missing = {file: url for file, url in files.items() if not _kept(url).is_file()} or files
    named = [url if url == file else f'{url} ({file})' for file, url in missing.items()]
    reason = getattr(error.reason, 'strerror', None) or error.reason
    return (
        f'{" or ".join(named)} cannot be downloaded: {reason}; without a network, fetch it elsewhere and put it at '
        f'{" or ".join(str(_kept(url)) for url in missing.values())}, or let init_cfg name a file of this machine'
    )


def _kept(url: str) -> Path:
    """Return where mmengine, which uses ``torch.hub`` for it, keeps the file of an address."""
    return Path(torch.hub.get_dir()) / 'checkpoints' / Path(urlparse(url).path).name
