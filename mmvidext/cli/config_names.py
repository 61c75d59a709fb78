"""Find the file of a config by its path or its name."""

import difflib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

__all__ = ['ConfigError', 'find_config', 'mim_folder', 'nearest']

SUFFIXES = ('.py', '.yml', '.yaml', '.json')


class ConfigError(ValueError):
    """A config that cannot be read, in one line that names the file and what to change."""


def find_config(name: str | Path) -> Path:
    """Return the file of a config, given as a path or as ``PACKAGE::NAME`` (a config of an installed package).

    Raises:
        ConfigError: If there is none; names the most similar one.
    """
    text = str(name)
    if '::' not in text:
        path = Path(text).expanduser()
        if path.is_file():
            return path
        from mmvidext.checkpoints.model_index import read_model_index

        if (model := read_model_index().get(text)) is not None:
            options = f' --cfg-options {" ".join(model.options)}' if model.options else ''
            raise ConfigError(
                f'{text} is the name of a model, and of its weights; its config is {_packaged(model.config)}{options}'
            )
        if path.exists():
            raise ConfigError(f'{text} is not a regular file: name a config')
        raise ConfigError(f'there is no config {text}{nearest(path.name, _names(path.parent, "*"))}')
    package, _, config = text.partition('::')
    root = mim_folder(package, 'configs')
    if root is None:
        raise ConfigError(f'there is no config {text}: the package {package!r} is not installed')
    path = root / (config if config.endswith(SUFFIXES) else f'{config}.py')
    if path.is_file():
        return path
    known = [name.removesuffix('.py') for name in _names(root, '**/*')]
    raise ConfigError(f'there is no config {text} in {root}{nearest(config.removesuffix(".py"), known)}')


def mim_folder(package: str, kind: str) -> Path | None:
    """Return where an OpenMMLab package, which is not imported, keeps its ``'configs'`` or ``'tools'``.

    Returns:
        Path | None: None if there is no such package.
    """
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / '.mim' / kind


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``; did you mean NAME?`` for the most similar name, or nothing if none is as similar as ``cutoff``."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f'; did you mean {close[0]}?' if close else ''


def _packaged(config: Path) -> str:
    """Return the name of a config of this package: ``mmvidext::demo/...``."""
    root = mim_folder('mmvidext', 'configs')
    return str(config) if root is None else f'mmvidext::{config.relative_to(root).with_suffix("").as_posix()}'


def _names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob(pattern) if path.suffix in SUFFIXES)
