"""The models that have a name: what the metafiles of the configs say of each."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import yaml

from mmvidext.checkpoints.download import sha256_in_name

__all__ = ['Figure', 'NamedModel', 'find_model_entry', 'read_model_index', 'shipped_file']

_PACKAGE = Path(__file__).resolve().parents[1]
_INDEX = _PACKAGE / '.mim' / 'model-index.yml'
_SHIPPED = 'mmvidext/shipped/'


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes:
        dataset: What it was measured on.
        metrics: Name to value.
        protocol: How, in words; empty where the source does not say.
        source: Where it is published.
    """

    dataset: str
    metrics: Mapping[str, float]
    protocol: str
    source: str


@dataclass(frozen=True)
class NamedModel:
    """One entry of a metafile.

    Attributes:
        name: What commands and configs call it.
        collection: The paper.
        config: File of its config.
        data: What it was trained on.
        weights: Address of its checkpoint, or the path in the package of one that is shipped; None if there is none.
        source: Whose names the checkpoint has, one of ``source_names()``, or a toolbox whose names are ours.
        sha256: How the SHA-256 of the checkpoint begins, where the metafile says so; else empty.
        without: Why there is no checkpoint.
        options: What ``--cfg-options`` must change in the config for this checkpoint.
        figures: Published, or measured by us.
    """

    name: str
    collection: str
    config: Path
    data: tuple[str, ...]
    weights: str | None
    source: str | None
    sha256: str
    without: str
    options: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()

    @property
    def is_shipped(self) -> bool:
        """Whether its checkpoint is part of the package."""
        return self.weights is not None and self.weights.startswith(_SHIPPED)

    @property
    def published_sha256(self) -> str:
        """How the SHA-256 of the checkpoint begins; empty where nobody has published it."""
        return self.sha256 or sha256_in_name(Path(urlparse(self.weights or '').path).name)


@functools.cache
def read_model_index(index: Path = _INDEX) -> dict[str, NamedModel]:
    """Return all models by name, in the order of the metafiles.

    Args:
        index: A ``model-index.yml`` of OpenMMLab; by default that of the package.

    Raises:
        ValueError: If two models have one name.
    """
    models: dict[str, NamedModel] = {}
    for metafile in yaml.safe_load(index.read_text(encoding='utf-8'))['Import']:
        content = yaml.safe_load((index.parent / metafile).read_text(encoding='utf-8'))
        for entry in content['Models']:
            model = _named_model(entry, index.parent)
            if model.name in models:
                raise ValueError(f'{index.parent / metafile}: there is a model {model.name} already')
            models[model.name] = model
    return models


def _named_model(entry: dict[str, Any], root: Path) -> NamedModel:
    data = entry['Metadata']['Training Data']
    return NamedModel(
        name=entry['Name'],
        collection=entry['In Collection'],
        config=root / entry['Config'],
        data=(data,) if isinstance(data, str) else tuple(data),
        weights=entry.get('Weights'),
        source=entry['Metadata'].get('Weights Source'),
        sha256=str(entry['Metadata'].get('SHA-256', '')),
        without=entry.get('No Weights', ''),
        options=tuple(entry.get('Options', ())),
        figures=tuple(
            Figure(result['Dataset'], result['Metrics'], result.get('Protocol', ''), result.get('Published In', ''))
            for result in entry.get('Results', ())
        ),
    )


def find_model_entry(name: str) -> NamedModel:
    """Return the model of a name.

    Raises:
        FileNotFoundError: If there is none; names the most similar one.
    """
    models = read_model_index()
    if name not in models:
        close = get_close_matches(name, models, n=1)
        hint = f'; did you mean {close[0]}?' if close else ''
        raise FileNotFoundError(f'there is no model {name}{hint} (mmvidext weights lists them)')
    return models[name]


def shipped_file(model: NamedModel) -> Path:
    """Return the checkpoint of a model that is shipped."""
    return _PACKAGE.parent / str(model.weights)
