"""The wheel holds what a user outside the repository needs: configs and tools by name, and the command."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = 'import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])'


def build(what, source, folder):
    """Build a distribution of a source tree, without a new environment, and return its path."""
    subprocess.run([sys.executable, '-c', BUILD, what, folder], cwd=source, check=True, capture_output=True, text=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """A wheel, and a wheel from the source distribution; built from a copy, for a build writes into its source."""
    folder = tmp_path_factory.mktemp('dist')
    source = folder / 'source'
    source.mkdir()
    for name in ('mmvidext', 'configs', 'tools'):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, source)
    for name in ('wheel', 'sdist', 'again'):
        (folder / name).mkdir()
    wheel = build('build_wheel', source, folder / 'wheel')
    with tarfile.open(build('build_sdist', source, folder / 'sdist')) as archive:
        archive.extractall(folder)
    (unpacked,) = folder.glob('mmvidext-*')
    return wheel, build('build_wheel', unpacked, folder / 'again')


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if '.dist-info/' not in name}


def test_configs_and_tools_are_in_the_wheel(built):
    found = names(built[0])
    configs = [path for path in (ROOT / 'configs').rglob('*') if path.suffix in ('.py', '.md', '.yml')]
    tools = [*(ROOT / 'tools').rglob('*.py'), *(ROOT / 'tools').glob('dist_*'), *(ROOT / 'tools').glob('slurm_*')]
    expected = {f'mmvidext/.mim/{path.relative_to(ROOT).as_posix()}' for path in (*configs, *tools)}
    assert len(expected) > 100
    assert expected <= found
    assert {'mmvidext/.mim/model-index.yml', 'mmvidext/.mim/tools/constraints.txt', 'mmvidext/py.typed'} <= found
    package = [path for path in (ROOT / 'mmvidext').rglob('*') if path.suffix in ('.py', '.safetensors')]
    assert {path.relative_to(ROOT).as_posix() for path in package} <= found
    with zipfile.ZipFile(built[0]) as archive:
        (entry_points,) = [name for name in archive.namelist() if name.endswith('entry_points.txt')]
        assert 'mmvidext = mmvidext.cli.main:main' in archive.read(entry_points).decode()


def test_a_wheel_from_the_source_distribution_is_the_same(built):
    assert names(built[1]) == names(built[0])


def test_what_is_in_the_wheel_works_anywhere(built, tmp_path):
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(tmp_path / 'site')
    (tmp_path / 'mine.py').write_text("_base_ = 'mmvidext::ms_tsm_r50_sthv2.py'\n")
    code = (
        'import mmvidext\n'
        'from mmengine.config import Config\n'
        "print(mmvidext.__file__, Config.fromfile('mine.py').model.backbone.type)\n"
    )
    by_name = (
        'import mmvidext\n'
        'from mmengine.hub import get_config\n'
        "print(get_config('mmvidext::demo/ms_tsm_r18_demo').filename)\n"
    )
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path / 'site')}
    for command, expected in (
        (['-W', 'ignore', '-c', code], f'{tmp_path}/site/mmvidext/__init__.py mmvidext.MSResNet'),
        (['-W', 'ignore', '-c', by_name], f'{tmp_path}/site/mmvidext/.mim/configs/demo/ms_tsm_r18_demo.py'),
        ([tmp_path / 'site/mmvidext/.mim/tools/train.py', '--help'], 'Usage: train.py'),
        (['-m', 'mmvidext', 'weights', 'get', 'camera-motion'], f'{tmp_path}/site/mmvidext/shipped/camera_motion'),
        (['-m', 'mmvidext', 'train', 'mmvidext::no_such'], 'there is no config mmvidext::no_such'),
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert expected in done.stdout + done.stderr
