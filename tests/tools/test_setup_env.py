"""What setup_env.sh installs, in the words that it gives to pip."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.invoke import ROOT

# has torch, OpenCV and an mmcv with compiled ops; notes what is installed
PYTHON = """#!/bin/bash
if [ "$1" != -c ]; then printf '%s\\n' "${*: 8}" >>installed; fi
"""


@pytest.mark.parametrize(
    ('extras', 'installed'),
    [
        ('onedl,test', ['-e .[onedl,test]']),
        ('openmmlab,test', ['mmengine mmaction2 mmsegmentation ftfy regex setuptools<81', '-e .[test]']),
    ],
)
def test_a_full_mmcv_is_kept_and_a_second_run_does_nothing(extras, installed, tmp_path):
    (tmp_path / 'tools').mkdir()
    for name in ('setup.cfg', 'pyproject.toml', 'tools/constraints.txt', 'tools/setup_env.sh'):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / '.venv' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    for _ in range(2):
        command = ['bash', tmp_path / 'tools/setup_env.sh', extras]
        subprocess.run(command, check=True, env={**os.environ, 'PYTHON': sys.executable}, capture_output=True)
    assert (tmp_path / 'installed').read_text().splitlines() == installed
