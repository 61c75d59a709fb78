import subprocess
import sys

import pytest

pytest.importorskip('mmseg')

from tests.datasets.layouts import write_vspw
from tools.data.check_video_seg_data import __file__ as script
from tools.data.check_video_seg_data import check


def test_a_complete_data_set(tmp_path):
    write_vspw(tmp_path)
    (tmp_path / 'train.txt').write_text('a\n')
    assert check('vspw', tmp_path) == []


def test_what_is_missing_is_named(tmp_path):
    write_vspw(tmp_path)
    (problem,) = check('vspw', tmp_path)
    assert problem.startswith('train: there is no annotation file')
    (tmp_path / 'train.txt').write_text('a\n')
    (tmp_path / 'data/a/origin/00000005.jpg').write_bytes(b'')
    problems = check('vspw', tmp_path, every_file=True)
    assert len(problems) == 2
    assert 'a/origin/00000005.jpg is empty' in problems[0]


@pytest.mark.parametrize('name', ['camvid', 'cityscapes'])
def test_an_empty_folder(tmp_path, name):
    problems = check(name, tmp_path)
    assert [problem.split(':')[0] for problem in problems] == ['train', 'val']
    assert 'no labelled snippet found; expected images under' in problems[0]


def test_the_command_fails_and_says_where_to_download(tmp_path):
    done = subprocess.run([sys.executable, script, 'vspw', str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'to download: VSPW_480p: https://www.vspwdataset.com' in done.stdout
