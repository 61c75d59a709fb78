"""The Python files that a config is made of: parsed before they are run, and run again with other values."""

import ast
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvidext.cli.config_names import ConfigError, find_config, nearest

__all__ = ['ConfigFile', 'check_place', 'evaluate', 'read_config_file', 'read_located']

BASE = '_base_'
# what mmengine replaces by the place of a config, in its text, before it reads it
_PLACE = re.compile(r'{{\s*(fileDirname|fileBasename|fileBasenameNoExtension|fileExtname)\s*}}')
_HARMLESS = re.compile(r'[\w./ ()+,~=-]*')


@dataclass
class ConfigFile:
    """One Python config, parsed.

    ``bases`` holds, in order, how each base is named and its file. That is None for a base of another package, which
    mmengine reads in the scope of that package, and for one that is not Python.
    """

    path: Path
    text: str
    tree: ast.Module
    bases: list[tuple[str, 'ConfigFile | None']] = field(default_factory=list)

    def chain(self) -> Iterator['ConfigFile']:
        """Yield this config, then the bases that are files."""
        yield self
        for _, base in self.bases:
            if base is not None:
                yield from base.chain()

    def assignments(self) -> list[tuple[str, ast.stmt]]:
        """Return the names that this file assigns outside functions, each with its statement."""
        return [
            (name.id, statement)
            for statement in _statements(self.tree.body)
            if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign))
            for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            for name in ast.walk(target)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id != BASE
        ]

    def variables(self) -> set[str]:
        """Return the names that this config or a base assigns."""
        return {name for file in self.chain() for name, _ in file.assignments()}

    def names_read(self) -> set[str]:
        """Return the names that this config or a base reads, those of its bases (``_base_.NAME``) included."""
        return {name for file in self.chain() for name in file.names_loaded() | file.names_of_bases()}

    def names_loaded(self) -> set[str]:
        """Return the names that this file reads as its own."""
        nodes = ast.walk(self.tree)
        return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

    def names_of_bases(self) -> set[str]:
        """Return the names that this file reads of its bases: ``_base_.NAME``."""
        nodes = ast.walk(self.tree)
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_base(node.value)}
        return attributes | set(re.findall(r'{{\s*_base_\.(\w+)', self.text))


def _is_base(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == BASE


def _base_value(tree: ast.Module) -> ast.expr | None:
    return next((s.value for s in tree.body if isinstance(s, ast.Assign) and _is_base(s.targets[0])), None)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, also those inside ``if`` and ``for``, but not those of functions and classes."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for name in ('body', 'orelse', 'finalbody'):
                yield from _statements(getattr(statement, name, []))


def read_config_file(path: Path, inside: tuple[Path, ...] = ()) -> ConfigFile:
    """Parse a Python config and the configs it inherits from, and run nothing.

    Args:
        path: The file.
        inside: The configs that inherit from it.

    Raises:
        ConfigError: If a base is missing or circular, or a file is no Python.
    """
    try:
        text = path.read_text(encoding='utf-8')
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ConfigError(f'{path}:{error.lineno}: {error.msg}') from error
    except (OSError, ValueError) as error:  # no text, or a NUL in it
        raise ConfigError(f'{path} cannot be read as Python: {error}') from error
    check_place(path, text)
    file = ConfigFile(path, text, tree)
    value = _base_value(tree)
    if value is None:
        return file
    place = f'{path}:{value.lineno}'
    inside = (*inside, path.resolve())
    for name in _base_names(value, place):
        base = _find_base(name, path, place)
        if base is not None and base.resolve() in inside:
            raise ConfigError(f'{place}: the base {name} inherits from this config, in a circle')
        is_python = base is not None and base.suffix == '.py'
        if base is not None and not is_python:
            check_place(base)
        place_or_name = name if base is None else str(base.absolute())  # it is also read from a copy of this file
        file.bases.append((place_or_name, read_config_file(base, inside) if base and is_python else None))
    return file


def check_place(path: Path, text: str | None = None) -> None:
    """Check that where a config lies does not change what it says: ``{{ fileDirname }}`` is replaced in its text.

    In a folder with the name ``a"+run()+"`` the string around it would end there, and what follows would be run.

    Args:
        path: The config.
        text: What it holds; None reads it.

    Raises:
        ConfigError: If a character of the path would be read as a part of the config.
    """
    text = path.read_text(encoding='utf-8', errors='replace') if text is None else text
    whole = path.absolute()
    places = dict(fileDirname=str(whole.parent), fileBasename=whole.name)
    places |= dict(fileBasenameNoExtension=whole.stem, fileExtname=whole.suffix)
    used = dict.fromkeys(_PLACE.findall(text))
    if all(_HARMLESS.fullmatch(places[name].replace(os.sep, '/')) for name in used):
        return
    if path.suffix != '.py' or any('{{' in places[name] for name in used) or not _stays_in_strings(text, places):
        raise ConfigError(
            f'{str(path)!r} uses {", ".join(f"{{{{{name}}}}}" for name in used)}, but a character of its path would be '
            'read as a part of the config: rename the folder or the file'
        )


def _stays_in_strings(text: str, places: Mapping[str, str]) -> bool:
    """Whether Python reads a text, in which mmengine has put the places, with these in strings and as they are."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = _PLACE.sub(lambda found: places[found[1]].replace(os.sep, '/'), node.value)
    try:
        read = ast.parse(_PLACE.sub(lambda found: places[found[1]].replace('\\', '/'), text))
    except (SyntaxError, ValueError):
        return False
    return ast.dump(read) == ast.dump(tree)


def _base_names(value: ast.expr, place: str) -> list[str]:
    """Evaluate an expression as mmengine does: by itself, without the rest of the config."""
    try:
        names = eval(compile(ast.Expression(value), place, 'eval'), {})
    except Exception as error:  # a config is code, in which anything can happen
        raise ConfigError(f'{place}: _base_ cannot be evaluated: {type(error).__name__}: {error}') from error
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f'{place}: _base_ must be a path or a list of paths')
    return names


def _find_base(name: str, path: Path, place: str) -> Path | None:
    """Return the file of a base, or None if it is one of another package."""
    if '::' in name:
        try:
            found = find_config(name)
        except ConfigError as error:
            raise ConfigError(f'{place}: {error}') from error
        return found if name.startswith('mmvidext::') else None
    base = path.parent / name
    if not base.is_file():
        near = nearest(base.name, (other.name for other in base.parent.glob('*.py')))
        raise ConfigError(f'{place}: there is no base {name}{near}')
    return base


def evaluate(file: ConfigFile, values: Mapping[str, Any]) -> Config:
    """Let mmengine read a config, with other values of its variables.

    Each file that assigns one of the variables gives it the new value instead, so that everything built from it
    follows. The files are copied for that; the config that is returned names the original.

    Raises:
        ConfigError: If running the config fails; names the file and the line.
    """
    if not values:
        places = {str(part.path.absolute()): part.path for part in file.chain()}
        return read_located(file.path, lambda: Config.fromfile(file.path), places)
    with tempfile.TemporaryDirectory() as folder:
        originals: dict[str, Path] = {}
        copy = _write_copy(file, values, Path(folder), originals)
        cfg = read_located(file.path, lambda: Config.fromfile(copy), originals)
    text = cfg.text
    for name, original in originals.items():
        text = text.replace(name, str(original))
    return Config(cfg._cfg_dict, cfg_text=text, filename=str(file.path), env_variables=cfg.env_variables)


def _write_copy(file: ConfigFile, values: Mapping[str, Any], folder: Path, originals: dict[str, Path]) -> Path:
    """Write a config and its bases with other values, each into a folder of its own; return the path of the config."""
    changes = [
        (_end(file, statement), _end(file, statement), f'; {name} = {_source(values[name])}')
        for name, statement in file.assignments()
        if name in values
    ]
    base_value = _base_value(file.tree)
    if base_value is not None:
        bases = [
            name if base is None else str(_write_copy(base, values, folder, originals)) for name, base in file.bases
        ]
        changes.append((_start(file, base_value), _end(file, base_value), repr(bases)))
    source = file.text.encode()
    for start, end, new in sorted(changes, reverse=True):
        source = source[:start] + new.encode() + source[end:]
    text = re.sub(r'{{\s*fileDirname\s*}}', lambda _: file.path.parent.absolute().as_posix(), source.decode())
    path = folder / str(len(originals)) / file.path.name
    path.parent.mkdir()
    path.write_text(text, encoding='utf-8')
    originals[str(path)] = file.path
    return path


def _source(value: Any) -> str:
    """Return a value as Python reads it: the ``repr`` of one that is not finite is no number."""
    if isinstance(value, float):
        return repr(value) if isfinite(value) else f'float("{value}")'
    if isinstance(value, dict):
        return f'{{{", ".join(f"{key!r}: {_source(item)}" for key, item in value.items())}}}'
    if isinstance(value, (list, tuple)):
        items = ', '.join(map(_source, value))
        return f'[{items}]' if isinstance(value, list) else f'({items}{"," * (len(value) == 1)})'
    return repr(value)


def _start(file: ConfigFile, node: ast.expr) -> int:
    return _offset(file, node.lineno, node.col_offset)


def _end(file: ConfigFile, node: ast.stmt | ast.expr) -> int:
    return _offset(file, node.end_lineno or 1, node.end_col_offset or 0)


def _offset(file: ConfigFile, line: int, column: int) -> int:
    """Return the place of a node in the UTF-8 text, in bytes, as ``ast`` counts columns."""
    return sum(len(text) for text in file.text.encode().splitlines(keepends=True)[: line - 1]) + column


def read_located(path: Path, read: Callable[[], Config], places: Mapping[str, Path]) -> Config:
    """Read a config in any format; an error names the file, the line and the reason.

    Args:
        path: The config.
        read: What reads it.
        places: The original of each Python file that is run meanwhile.
    """
    try:
        return read()
    except Exception as error:  # a config is code, in which anything can happen
        place, trace = str(path), error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in places:
                place = f'{places[trace.tb_frame.f_code.co_filename]}:{trace.tb_lineno}'
            trace = trace.tb_next
        raise ConfigError(f'{place}: {type(error).__name__}: {" ".join(str(error).split())}') from error
