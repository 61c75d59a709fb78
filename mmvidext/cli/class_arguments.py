"""The arguments that a class of a config takes by name, and what its source reads of a dictionary without a class."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from mmengine.hooks import CheckpointHook
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmengine.utils import get_object_from_string

__all__ = ['Arguments', 'class_arguments', 'find_class', 'keys_read', 'source_of', 'words_in']

# where the `**kwargs` of a class go, if not to its base class
_TAKES_MORE = {CheckpointHook: Runner.save_checkpoint}
_KEY_READ = re.compile(
    r"""cfg\.(?:get|pop|setdefault)\(\s*['"](\w+) | cfg\[['"](\w+) | cfg\.(\w+)
    | ['"](\w+)['"]\ (?:not\ )?in\ [\w.]*cfg""",
    re.VERBOSE,
)


class Arguments(NamedTuple):
    """What a class takes by name, whether it takes any other name as well, and drops it, and its defaults."""

    names: list[str]
    drops_others: bool
    defaults: dict[str, Any]


def find_class(kind: Any, registries: tuple[Registry, ...]) -> type | None:
    """Return the class of a ``type``, or None if it is none that is registered: who builds it will say so."""
    if not isinstance(kind, str):
        return kind if isinstance(kind, type) else None
    for registry in registries:
        with registry.switch_scope_and_registry(None) as current:
            found = current.get(kind)
        if isinstance(found, type):
            return found
    found = get_object_from_string(kind) if '.' in kind else None
    return found if isinstance(found, type) else None


def class_arguments(cls: type) -> Arguments | None:
    """Return the arguments of a class, those of its bases included as far as it hands its ``**kwargs`` to them.

    None if that cannot be told, because they go elsewhere.
    """
    names: dict[str, None] = {}
    defaults: dict[str, Any] = {}
    for base in cls.__mro__:
        if '__init__' not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(vars(base)['__init__']).parameters.values())[1:]
        names.update({p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)})
        defaults = {p.name: p.default for p in parameters} | defaults  # those of a subclass count
        others = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        if others is None:
            return Arguments(list(names), drops_others=False, defaults=defaults)
        if base in _TAKES_MORE:
            names.update(dict.fromkeys(inspect.signature(_TAKES_MORE[base]).parameters))
            return Arguments(list(names), drops_others=False, defaults=defaults)
        read, uses, goes_to_base = _uses(base, others)
        names.update(dict.fromkeys(read))
        if uses == 0:
            return Arguments(list(names), drops_others=True, defaults=defaults)
        if uses > 1 or not goes_to_base:
            return None
    return Arguments(list(names), drops_others=False, defaults=defaults)


def _uses(cls: type, name: str) -> tuple[list[str], int, bool]:
    """Look at what the ``__init__`` of a class does with its ``**kwargs``.

    Returns:
        The keys that it reads, how often it uses them otherwise, and whether it hands them to its base.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(cls)['__init__'])))
    except (OSError, TypeError, SyntaxError):
        return [], 2, False  # no source to look at
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    reads = [call for call in calls if ast.unparse(call.func) in (f'{name}.get', f'{name}.pop', f'{name}.setdefault')]
    keys = [call.args[0].value for call in reads if isinstance(call.args[0], ast.Constant)]
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)) - len(keys)
    handed = any(
        ast.unparse(call.func).startswith('super(')
        and any(word.arg is None and ast.unparse(word.value) == name for word in call.keywords)
        for call in calls
    )
    return [str(key) for key in keys], uses, handed


def source_of(classes: Iterable[type]) -> str:
    """Return the text of the modules of classes and of their bases."""
    modules = {inspect.getmodule(base) for cls in classes for base in cls.__mro__ if base is not object}
    texts = []
    for module in modules:
        try:
            texts.append(inspect.getsource(module) if module else '')
        except (OSError, TypeError):  # written in C, or typed in
            continue
    return '\n'.join(texts)


def words_in(source: str) -> set[str]:
    """Return the words in code that may be keys: in quotes, or behind a dot."""
    return set(re.findall(r'[\'".](\w+)', source))


def keys_read(source: str) -> list[str]:
    """Return the keys that code reads of dictionaries whose names end with ``cfg``."""
    return sorted({name for groups in _KEY_READ.findall(source) for name in groups if name} - {*dir(dict), 'append'})
