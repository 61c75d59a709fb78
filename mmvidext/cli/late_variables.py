"""Find variables that a config sets too late: its bases are run first, and build with values of their own."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from mmvidext.cli.config_chain import ConfigFile, evaluate, read_config_file
from mmvidext.cli.config_keys import RUNNER_KEYS
from mmvidext.cli.config_names import find_config

__all__ = ['late_variables']

_LONGEST = 60  # characters of a value


def late_variables(
    file: ConfigFile, given: Mapping[str, Any], read_above: frozenset[str] | set[str] = frozenset()
) -> list[str]:
    """Name the variables that a config gives another value than the base that uses them, and does not use itself.

    Args:
        file: The config.
        given: Variables that options set: they have one value in all files.
        read_above: What the configs that inherit from this one read of their bases.

    Returns:
        A line for each, with the value that is in use, and what to write instead.
    """
    bases = [base for below in _bases(file) for base in below.chain()]
    own = read_above | file.names_loaded()
    late = []
    for name, statement in dict(file.assignments()).items():
        if name in given or name in RUNNER_KEYS or name in own:
            continue
        base = _base_in_use(name, bases)
        if base is not None and (value := _value(file, name, given)) != (used := _value(base, name, given)):
            is_ours = any(base is one for one in file.chain())  # an option reaches no base of another package
            option = quote(f'{name}={_short(str(value), "VALUE")}')
            late.append(
                f'{file.path}:{statement.lineno}: {name} changes nothing: {base.path} is run first, and its {name} = '
                f'{_short(repr(used), "...")} is in use; write {f"--cfg-options {option}, or " if is_ours else ""}'
                'the keys that are to have the value'
            )
    read_above = read_above | file.names_of_bases()
    return late + [line for _, base in file.bases if base for line in late_variables(base, given, read_above)]


def _bases(file: ConfigFile) -> Iterator[ConfigFile]:
    """Yield the bases, those of other packages included."""
    for name, base in file.bases:
        if base is not None:
            yield base
        elif '::' in name:
            yield read_config_file(find_config(name))


def _base_in_use(name: str, bases: list[ConfigFile]) -> ConfigFile | None:
    """Return the base whose value of a variable is used, by itself or by a base that inherits from it."""
    holders = [base for base in bases if name in dict(base.assignments())]
    is_read_above = any(name in base.names_of_bases() for base in bases)
    return next((base for base in holders if is_read_above or name in base.names_loaded()), None)


def _value(file: ConfigFile, name: str, given: Mapping[str, Any]) -> Any:
    own = {key: value for key, value in given.items() if key in file.variables()}
    return evaluate(file, own).get(name)


def _short(text: str, other: str) -> str:
    return text if len(text) <= _LONGEST else other
