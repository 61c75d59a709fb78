"""The examples of the docstrings run, from the repository root, and print what they say."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest
import torch

import mmvidext.ops

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path.read_text()
    for path in sorted((ROOT / 'mmvidext').rglob('*.py'))
}
WITH_EXAMPLES = [name for name, source in SOURCES.items() if '>>> ' in source]


@pytest.mark.parametrize('name', WITH_EXAMPLES)
def test_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)  # configs are named by their path in the repository
    result = doctest.testmod(importlib.import_module(name), extraglobs={'torch': torch})
    assert result.failed == 0
    # none is hidden from doctest, for instance behind a decorator that loses the docstring
    assert result.attempted == SOURCES[name].count('>>> ')


def test_every_op_has_an_example():
    functions = [op for op in map(vars(mmvidext.ops).get, mmvidext.ops.__all__) if inspect.isfunction(op)]
    assert [op.__name__ for op in functions if '>>> ' not in op.__doc__] == []


def test_no_example_is_skipped():
    assert [name for name, source in SOURCES.items() if '+SKIP' in source] == []
