"""The public names of the package, locked: a name comes or goes only together with a line of ``public_api.txt``.

After an intended change, write the table anew and review it with the change::

    python -m tests.test_public_api > tests/public_api.txt
"""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from mmengine.registry import Registry

import mmvidext
from mmvidext import registry

TABLE = Path(__file__).with_name('public_api.txt')
MODULES = ['mmvidext'] + [
    module.name for module in pkgutil.walk_packages(mmvidext.__path__, 'mmvidext.') if '._' not in module.name
]
REGISTRIES = [
    name for name, value in vars(registry).items() if isinstance(value, Registry) and value.scope == 'mmvidext'
]


def public_names(module):
    """Return what ``from module import *`` brings, sorted."""
    return sorted(getattr(importlib.import_module(module), '__all__', []))


def registered_names(name):
    """Return what configs may write as ``mmvidext.NAME``, sorted."""
    own = getattr(registry, name)
    own.import_from_location()
    return sorted(
        key for key, value in own.module_dict.items() if value.__module__.startswith('mmvidext.')
    )  # not a test's


def table():
    """Return the text of the table: a line for each module and registry, its names below it."""
    sections = {module: public_names(module) for module in MODULES}
    sections |= {f'registered in {name}': registered_names(name) for name in sorted(REGISTRIES)}
    return ''.join(
        f'{title}\n' + ''.join(f'    {name}\n' for name in names) for title, names in sections.items() if names
    )


def test_the_public_names_are_those_of_the_table():
    assert table().splitlines() == TABLE.read_text().splitlines(), f'see the top of {Path(__file__).name}'


@pytest.mark.parametrize('module', MODULES)
def test_every_public_name_exists_and_is_documented(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__
    names = public_names(module)
    assert [name for name in names if not hasattr(loaded, name)] == []
    assert len(set(names)) == len(names)
    values = {name: getattr(loaded, name) for name in names}
    # what another package made, as a decorator of click, has no docstring of ours
    ours = {
        name: value for name, value in values.items() if str(getattr(value, '__module__', '')).startswith('mmvidext')
    }
    defined = {name: value for name, value in ours.items() if inspect.isroutine(value) or inspect.isclass(value)}
    assert [name for name, value in defined.items() if not value.__doc__] == []


@pytest.mark.parametrize('name', REGISTRIES)
def test_registered_classes_are_public(name):
    classes = [getattr(registry, name).get(key) for key in registered_names(name)]
    assert [cls for cls in classes if cls.__name__ not in public_names(cls.__module__)] == []


if __name__ == '__main__':
    print(table(), end='')
