"""The rules of the code base that a reader relies on."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'mmvidext'
# what each part may import of the others: nothing imports upward
LAYERS = {
    'cures': {'mmcv_ext', 'safe_numpy', 'version'},  # of the stack, before anything else is imported
    'ops': set(),
    'layers': {'ops', 'registry'},
    'models': {'ops', 'layers', 'registry', 'checkpoints'},
    'checkpoints': {'safe_numpy', 'file_digest'},  # it knows state dicts, not models
    'datasets': {'ops', 'registry', 'generators', 'file_digest', 'folder_lock'},
    'evaluation': {'ops', 'registry', 'datasets', 'checkpoints', 'drawing'},
    'drawing': {'ops'},
    'engine': {'ops', 'registry', 'models', 'checkpoints', 'generators', 'drawing', 'file_digest', 'folder_lock'},
    'apis': {'ops', 'layers', 'models', 'datasets', 'evaluation', 'engine', 'checkpoints', 'registry', 'drawing'},
}
LAYERS['app'] = {'apis', 'datasets', 'drawing', 'ops'}
LAYERS['cli'] = {*LAYERS, 'file_digest', 'registry', 'compat', 'mmcv_ext', 'version'}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files():
    return sorted(path for path in PACKAGE.rglob('*.py'))


@pytest.mark.parametrize('part', LAYERS)
def test_dependencies_point_one_way(part):
    wrong = [
        f'{path.relative_to(PACKAGE)} imports {module}'
        for path in files()
        if path.relative_to(PACKAGE).parts[0] == part
        for module in imported_modules(path)
        if module.startswith('mmvidext.') and module.split('.')[1] not in LAYERS[part] | {part}
    ]
    assert wrong == []


def test_every_part_has_its_place():
    parts = {path.relative_to(PACKAGE).parts[0] for path in files() if path.parent != PACKAGE}
    assert parts - set(LAYERS) == set()


def test_the_package_does_not_import_its_tools():
    wrong = [
        f'{path.relative_to(PACKAGE)} imports {module}'
        for path in files()
        for module in imported_modules(path)
        if module.split('.')[0] in {'tools', 'tests', 'configs'}
    ]
    assert wrong == []


def test_ops_import_torch_only():
    modules = {module.split('.')[0] for path in (PACKAGE / 'ops').glob('*.py') for module in imported_modules(path)}
    standard = {'collections', 'dataclasses', 'typing', 'math', 'functools', 'itertools', 'contextlib', 'threading'}
    # the correlation packages and Triton are optional backends, imported where they are asked for
    assert modules <= standard | {
        'importlib',
        'os',
        'types',
        'torch',
        'mmvidext',
        'spatial_correlation_sampler',
        'mmcv',
        'triton',
    }


def test_no_assert_print_or_stub_in_the_package():
    found = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, 'func', None), 'id', '')
            is_stub = isinstance(node, ast.Raise) and 'NotImplementedError' in ast.dump(node)
            if isinstance(node, ast.Assert) or name == 'print' or is_stub:
                found.append(f'{path.relative_to(PACKAGE)}:{node.lineno}')
    assert found == []


def test_files_are_short():
    assert [str(path) for path in files() if len(path.read_text().splitlines()) > 400] == []
