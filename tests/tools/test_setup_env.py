"""``tools/setup_env.sh`` and ``run_tests.sh`` with a stand-in for Python: what is installed, and where."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# what is not asked by an import is noted
PYTHON = """\
#!/usr/bin/env bash
case "$*" in
*mmcv._ext*) exit ${NO_FULL_MMCV-1} ;;
*-c\\ import*) ;;
*) echo "$0 $*" >>calls.txt ;;
esac
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'tools').mkdir()
    for name in ('setup.cfg', 'pyproject.toml', 'tools/constraints.txt', 'tools/setup_env.sh', 'tools/run_tests.sh'):
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in ('.venv', '.other'):
        python = tmp_path / folder / 'bin' / 'python'
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON)
        python.chmod(0o755)
    return tmp_path


def run(root, script, *arguments, **environment):
    """Run a script; return its exit status, what it says is wrong, and the calls of Python."""
    (root / 'calls.txt').write_text('')
    command = ['bash', str(root / 'tools' / script), *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    return done.returncode, done.stderr, (root / 'calls.txt').read_text()


def test_one_environment_does_not_get_both_lines_of_the_toolboxes(root):
    assert '.[onedl]' in run(root, 'setup_env.sh', 'onedl')[2]
    (root / 'setup.cfg').write_text('# of a newer version\n')  # all is installed anew, over what is there
    status, error, calls = run(root, 'run_tests.sh')
    assert (status, calls) == (1, '')
    assert error.startswith('.venv cannot hold onedl and openmmlab')
    assert '.[onedl,test]' in run(root, 'setup_env.sh', 'onedl,test')[2]


def test_the_tests_run_in_the_environment_that_is_asked_for(root):
    status, error, calls = run(root, 'run_tests.sh', VENV='.other')
    assert (status, error) == (0, '')
    assert '.other/bin/python -m pip ' in calls
    assert '.other/bin/python -m pytest ' in calls
    assert '.venv' not in calls


@pytest.mark.parametrize(
    ('extras', 'installed'),
    [
        ('onedl,test', ['-e .[onedl,test]']),
        ('openmmlab,test', ['mmengine mmaction2 mmsegmentation ftfy regex setuptools<81', '-e .[test]']),
    ],
)
def test_a_full_mmcv_is_kept_and_a_second_run_does_nothing(root, extras, installed):
    status, error, calls = run(root, 'setup_env.sh', extras, NO_FULL_MMCV='0')
    assert (status, error) == (0, '')
    assert [line.partition(' -c tools/constraints.txt ')[2] for line in calls.splitlines()] == installed
    assert run(root, 'setup_env.sh', extras, NO_FULL_MMCV='0') == (0, '', '')
