"""Find a checkpoint, whatever it is called by: a file, an address, or a name."""

import json
from collections.abc import Callable
from pathlib import Path

from mmvidext.checkpoints.download import download
from mmvidext.checkpoints.model_index import NamedModel, find_model_entry, read_model_index, shipped_file

__all__ = ['address_of', 'find_checkpoint', 'model_checkpoint']


def find_checkpoint(path: str | Path) -> Path:
    """Return the file of a checkpoint; what is not on this machine is fetched into the cache of ``torch.hub``.

    Args:
        path: A file; the name of a model (``mmvidext weights`` lists them); ``https://`` or ``http://``;
            ``torchvision://NAME``, ``open-mmlab://NAME`` or ``mmcls://NAME``.

    Raises:
        FileNotFoundError: If there is none, or it cannot be fetched.
        ValueError: If it is not a regular file, or what is fetched has another SHA-256 than it should.
    """
    text = str(path)
    if '://' in text:
        return download(address_of(text))
    file = Path(path).expanduser()
    if file.is_file():
        return file
    if text in read_model_index():
        return model_checkpoint(find_model_entry(text))
    if file.exists():
        raise ValueError(f'the checkpoint {file} is not a regular file')
    raise FileNotFoundError(f'there is no checkpoint {file}')


def model_checkpoint(model: NamedModel) -> Path:
    """Return the checkpoint of a model that has a name, fetched if it is not there.

    Raises:
        FileNotFoundError: If it has none that is public, or it cannot be fetched.
        ValueError: If it has another SHA-256 than it should.
    """
    if model.weights is None:
        raise FileNotFoundError(f'there is no public checkpoint of {model.name}: {model.without}')
    return shipped_file(model) if model.is_shipped else download(model.weights, sha256=model.sha256)


def address_of(url: str) -> str:
    """Return the URL that ``torchvision://NAME`` and the like stand for; that of a URL is itself.

    Raises:
        FileNotFoundError: If there is no such name.
    """
    from mmengine.runner import checkpoint

    scheme, _, name = url.partition('://')
    if scheme in ('http', 'https'):
        return url
    tables: dict[str, Callable[[], dict[str, str]]] = {
        'torchvision': _torchvision_urls,
        'open-mmlab': checkpoint.get_external_models,
        'mmcls': checkpoint.get_mmcls_models,
    }
    if scheme not in tables:
        known = ', '.join(f'{one}://' for one in ('https', 'http', *tables))
        raise FileNotFoundError(f'there is no checkpoint {url}: known are {known}')
    names = tables[scheme]()
    name = checkpoint.get_deprecated_model_names().get(name, name) if scheme == 'open-mmlab' else name
    if name not in names:
        raise FileNotFoundError(f'there is no checkpoint {url}: {scheme} has no model {name!r}')
    return names[name]


def _torchvision_urls() -> dict[str, str]:
    """Return the URLs of torchvision's models, from mmengine's own table where torchvision is not installed."""
    import mmengine
    from mmengine.runner.checkpoint import get_torchvision_models

    try:
        return get_torchvision_models()
    except ImportError:
        return json.loads((Path(mmengine.__file__).parent / 'hub' / 'torchvision_0.12.json').read_text())
