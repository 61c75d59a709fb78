import pytest

pytest.importorskip('mmseg')

from mmvidext.cli.data.check_segmentation import check_segmentation, find_problems
from tests.cli.invoke import invoke
from tests.datasets.layouts import write_vspw


def test_a_complete_data_set(tmp_path):
    write_vspw(tmp_path)
    (tmp_path / 'train.txt').write_text('a\n')
    assert find_problems('vspw', tmp_path) == []


def test_what_is_missing_is_named(tmp_path):
    write_vspw(tmp_path)
    (problem,) = find_problems('vspw', tmp_path)
    assert problem.startswith('train: there is no annotation file')
    (tmp_path / 'train.txt').write_text('a\n')
    (tmp_path / 'data/a/origin/00000005.jpg').write_bytes(b'')
    problems = find_problems('vspw', tmp_path, every_file=True)
    assert len(problems) == 2
    assert 'a/origin/00000005.jpg is empty' in problems[0]


@pytest.mark.parametrize('name', ['camvid', 'cityscapes'])
def test_an_empty_folder(tmp_path, name):
    problems = find_problems(name, tmp_path)
    assert [problem.split(':')[0] for problem in problems] == ['train', 'val']
    assert 'no labeled snippet found; expected images under' in problems[0]


def test_the_command_fails_and_says_where_to_download(tmp_path):
    output = invoke(check_segmentation, 'vspw', tmp_path, status=1)
    assert 'to download: VSPW_480p: https://www.vspwdataset.com' in output
