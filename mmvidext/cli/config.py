"""Read a config by path or name, and change it with ``KEY=VALUE`` options that are checked.

An option says what to change in one of two ways:

- ``NAME=VALUE`` where NAME is a variable of the config or of its bases: the config is read again with that value, so
  that everything built from the variable follows;
- ``PATH=VALUE`` where PATH leads to a value of the finished config: ``train_dataloader.dataset.pipeline.3.scale``.

A value is a number, True, False, None, a text, a list or tuple of such, ``[1, 2]``, or a dictionary as Python writes
it, ``{0: 1}`` or ``dict(type='SGD', lr=0.1)``, which takes the place of the one that was there. Spaces inside of a text
belong to it.

A key that is not there is an error, unless it is one that the runner reads, or the option is ``+KEY=VALUE``. A key of
the config that nothing reads is an error if it looks like a misspelled one, and a warning if not; so is a variable that
is set after a base has used its own value.
"""

import ast
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config, DictAction
from mmengine.logging import print_log

from mmvidext.cli.config_chain import ConfigFile, check_place, evaluate, read_config_file, read_located
from mmvidext.cli.config_keys import ENVIRONMENT_KEYS, KNOWN_KEYS, VALUE_TYPES, find_typo, is_unread
from mmvidext.cli.config_names import ConfigError, find_config, mim_folder, nearest
from mmvidext.cli.late_variables import late_variables

__all__ = ['ConfigError', 'load_config']


class Option(NamedTuple):
    """One change of the config."""

    key: str
    value: Any
    may_be_new: bool


def load_config(path_or_name: str | Path, options: Iterable[str] = (), *, warns: bool = True) -> Config:
    """Read a config.

    Args:
        path_or_name: A file, or ``PACKAGE::NAME`` for a config of an installed package, for example
            ``mmvidext::ms_tsm_r50_sthv2``.
        options: Changes, ``KEY=VALUE`` or ``+KEY=VALUE``.
        warns: Log what nothing reads. A config that training wrote holds variables that it was built from.

    Raises:
        ConfigError: In one line that names the file, and the line in it, or the option: if the config, or one of its
            bases, is missing, circular or wrong; if an option's key does not exist; if nothing reads a key of the
            config that looks like a misspelled one.
    """
    path = find_config(path_or_name)
    changes = [_parse_option(option) for option in options]
    if path.suffix != '.py':
        check_place(path)
        cfg = read_located(path, lambda: Config.fromfile(path), {})
        values, used, built_from = dict[str, Any](), set[str](), set[str]()
        own, switches = set(cfg), set[str]()
    else:
        file = read_config_file(path)
        variables, used = _changeable(file), file.names_read()
        own = {name for name, _ in file.assignments()} | _of_own_bases(file)
        switches = _switches(file)
        values = {change.key: change.value for change in changes if change.key in variables}
        cfg = evaluate(file, values)
        built_from = (variables & used) | (set(cfg) - variables)
        for line in late_variables(file, values):
            print_log(line, logger='current', level=logging.WARNING)
    for change in changes:
        _check_switch(cfg, change, switches)
        if change.key not in values:
            _check_option(cfg, change, built_from, path)
            head = change.key.partition('.')[0]
            if known := find_typo(head, used):
                raise ConfigError(f'+{change.key}: nothing reads {head}; did you mean {known}?')
            try:
                _set_value(cfg, change.key, change.value)
            except (LookupError, TypeError, ValueError, AttributeError) as error:  # of a part that is no dictionary
                raise ConfigError(f'{change.key} cannot be set in {path}: {error}') from error
            own.add(head)
    _check_types(cfg, path)
    _check_keys(cfg, used, path)
    if warns and (unread := [key for key in cfg if key in own and is_unread(key, used)]):
        print_log(f'{path}: nothing reads {", ".join(unread)}', logger='current', level=logging.WARNING)
    return cfg


def _parse_option(option: str) -> Option:
    key, separator, text = option.removeprefix('+').partition('=')
    if not separator or not key or key == '_base_':
        raise ConfigError(f'expected KEY=VALUE or +KEY=VALUE to change the config, but got {option!r}')
    try:
        return Option(key, _parse_value(text), option.startswith('+'))
    except ValueError as error:
        raise ConfigError(f'the brackets in {option!r} do not match') from error


def _parse_value(text: str) -> Any:
    """Return the value of an option: a plain one, or a dictionary, which mmengine has no form for."""
    if text.lstrip(' [(').startswith(('{', 'dict(')):
        try:
            value: Any = ast.literal_eval(_DictCalls().visit(ast.parse(text.strip(), mode='eval')))
        except (SyntaxError, TypeError, ValueError):
            value = None  # a text, such as the name of a file with a place for its number
        if isinstance(value, (dict, list, tuple)):
            return value
    return _parse_plain(text)


def _parse_plain(text: str) -> Any:
    """Return what mmengine reads in an option, but with the spaces inside of a text, which mmengine takes out.

    Raises:
        ValueError: If the brackets of a list or a tuple do not match.
    """
    text = text.strip().strip('\'"')
    inner = text.strip()
    is_bracketed = inner[:1] + inner[-1:] in ('()', '[]')
    items = _items(inner) if is_bracketed or ',' in text else [text]
    if len(items) > 1:
        return _values(items)
    if not is_bracketed:
        return DictAction._parse_int_float_bool(text)
    values = _values(_items(inner[1:-1]))
    return tuple(values) if inner.startswith('(') else values


def _values(items: list[str]) -> list[Any]:
    return [_parse_plain(item) for item in (items if items[-1].strip() else items[:-1])]


def _items(text: str) -> list[str]:
    """Split a text at the commas outside of brackets."""
    items, depth = [''], 0
    for char in text:
        depth += (char in '([') - (char in ')]')
        if depth < 0:
            break
        if char == ',' and depth == 0:
            items.append('')
        else:
            items[-1] += char
    if depth != 0:
        raise ValueError(text)
    return items


class _DictCalls(ast.NodeTransformer):
    """Writes ``dict(a=1)`` as ``{'a': 1}``."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        names = [keyword.arg for keyword in node.keywords]
        if not isinstance(node.func, ast.Name) or node.func.id != 'dict' or node.args or None in names:
            return node
        return ast.Dict([ast.Constant(name) for name in names], [keyword.value for keyword in node.keywords])


def _set_value(cfg: Config, key: str, value: Any) -> None:
    """Set the value that a path leads to: mmengine would merge two dictionaries, and cannot set an item of a list."""
    holder, _, last = key.rpartition('.')
    while isinstance(items := _value(cfg, holder), (list, tuple)):
        changed = list(items)
        changed[int(last)] = value
        key, value = holder, type(items)(changed)
        holder, _, last = key.rpartition('.')
    replaces = isinstance(value, dict) and _value(cfg, key) is not ...
    cfg.merge_from_dict({key: {**value, '_delete_': True} if replaces else value})


def _changeable(file: ConfigFile) -> set[str]:
    """Return the variables that can be given another value: none if the config inherits with ``read_base``."""
    return set() if 'read_base' in file.names_read() else file.variables()


def _of_own_bases(file: ConfigFile) -> set[str]:
    """Return the names that bases assign; those of a package may offer what a config has no use for."""
    ours = mim_folder('mmvidext', 'configs')
    return {
        name
        for base in file.chain()
        if base is not file and '.mim' not in base.path.parts
        if ours is None or not base.path.resolve().is_relative_to(ours.resolve())
        for name, _ in base.assignments()
    }


def _switches(file: ConfigFile) -> set[str]:
    """Return the variables that a config or a base sets to True or False."""
    return {
        name
        for part in file.chain()
        for name, statement in part.assignments()
        if isinstance(getattr(getattr(statement, 'value', None), 'value', None), bool)
    }


def _value(cfg: Config, key: str) -> Any:
    """Return what a path leads to; ``Ellipsis`` if it leads nowhere."""
    node: Any = cfg
    for part in key.split('.'):
        if isinstance(node, (list, tuple)):
            node = node[int(part)] if part.isdecimal() and int(part) < len(node) else ...
        else:
            node = node.get(part, ...) if hasattr(node, 'keys') else ...
    return node


def _check_switch(cfg: Config, option: Option, switches: set[str]) -> None:
    """Refuse a text in the place of True or False: as a value, any text is true."""
    was_bool = option.key in switches or isinstance(_value(cfg, option.key), bool)
    if was_bool and isinstance(option.value, str):
        raise ConfigError(f'{option.key}: expected True or False, but got {option.value!r}')


def _check_types(cfg: Config, path: Path) -> None:
    for what, (types, keys) in VALUE_TYPES.items():
        for key in keys:
            value = _value(cfg, key)
            if value is not ... and not isinstance(value, types):
                raise ConfigError(f'{path}: {key} must be {what}, not {value!r}')


def _check_keys(cfg: Config, used: set[str], path: Path) -> None:
    """Refuse keys that nothing reads and that look like one that is read."""
    for key in cfg:
        known = find_typo(key, used)
        if known is not None:
            raise ConfigError(f'{path}: nothing reads {key!r}; did you mean {known!r}?')
    for key in cfg.get('env_cfg') or {}:
        if key not in ENVIRONMENT_KEYS:
            raise ConfigError(f'{path}: nothing reads env_cfg.{key}{nearest(key, ENVIRONMENT_KEYS)}')


def _check_option(cfg: Config, option: Option, built_from: set[str], path: Path) -> None:
    """Refuse an option whose key leads nowhere, or that changes a variable when it is too late."""
    head, *rest = option.key.split('.')
    if head in built_from and head not in KNOWN_KEYS:
        how = 'a part of it cannot be changed' if rest else 'one of a base of another package cannot be changed'
        raise ConfigError(
            f'{option.key}: {head} is a variable from which {path} is built, and {how} by an option: set the value '
            'where it is used, for example train_dataloader.dataset.pipeline.3.scale, or write a config of your own'
        )
    if option.may_be_new or (head not in cfg and head in KNOWN_KEYS):
        return
    node, place = cfg, ''
    for part in option.key.split('.'):
        is_list = isinstance(node, (list, tuple))
        keys = [str(index) for index in range(len(node))] if is_list else list(node) if hasattr(node, 'keys') else []
        if part not in keys:
            what = f'{place} of {path} has no {part!r}' if place else f'{path} has no {part!r}'
            near = nearest(part, keys if place else [*keys, *KNOWN_KEYS])
            add = '' if is_list else f' (+{option.key}=... adds it)'
            raise ConfigError(f'{what}{near or _all_of(keys, place)}{add}')
        node, place = node[int(part)] if is_list else node[part], f'{place}.{part}' if place else part


def _all_of(keys: list[str], place: str) -> str:
    return f'; it has {", ".join(keys)}' if place and keys else ''
