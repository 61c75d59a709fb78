"""`mmvidext run` runs the toolboxes' own scripts, and any other, in a new process, where nothing is imported before."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmvidext.cli.run import find_script, run
from tests.cli.invoke import invoke

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments, cwd=None):
    command = [sys.executable, '-W', 'ignore', '-m', 'mmvidext', 'run', *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_script_that_imports_what_is_broken_without_us(tmp_path):
    """mmseg.apis needs mmcv._ext, which mmcv-lite has not; it is imported first, as users write it."""
    (tmp_path / 'beside.py').write_text('value = 3\n')
    (tmp_path / 'mine.py').write_text(
        'import sys\nfrom mmseg.apis import init_model\nimport beside\nfrom mmengine.config import Config\n'
        "cfg = Config.fromfile('own.py')\n"
        'print(__name__, sys.argv[1:], beside.value, init_model.__name__, cfg.model.backbone.type)\n'
        'sys.exit(3)\n'
    )
    (tmp_path / 'own.py').write_text("_base_ = 'mmvidext::tsm_r18_sthv2.py'\n")
    done = call('mine.py', '--help', '-x', 'a b', cwd=tmp_path)
    assert done.stdout == "__main__ ['--help', '-x', 'a b'] 3 init_model mmvidext.TSMResNet\n"
    assert done.returncode == 3, done.stderr


def test_tools_have_names():
    assert find_script('mmaction::train').parts[-4:] == ('mmaction', '.mim', 'tools', 'train.py')
    assert find_script('mmseg::analysis_tools/get_flops.py').is_file()
    for name, message in (
        ('mmaction::trian', 'mmaction has no tool trian; did you mean train?'),
        ('mmnothing::train', "the package 'mmnothing' is not installed"),
        ('none.py', 'there is no script none.py'),
    ):
        assert message in ' '.join(invoke(run, name, status=2).split())


@pytest.mark.parametrize('name', ['mmaction::train', 'mmaction::test', 'mmseg::train', 'mmseg::test'])
def test_the_tools_start(name):
    done = call(name, '--help')
    assert done.returncode == 0, done.stderr
    assert 'usage: ' in done.stdout
