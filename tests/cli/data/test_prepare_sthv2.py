from functools import partial

import pytest

from mmvidext.cli.data.prepare_sthv2 import prepare_sthv2
from tests.cli.invoke import invoke
from tests.datasets.test_sthv2_preparation import LABELS, write_download


@pytest.fixture
def run(tmp_path):
    write_download(tmp_path)
    return partial(invoke, prepare_sthv2, tmp_path, '--workers', 0)


def test_a_good_download(run, tmp_path):
    output = run('--out', tmp_path / 'lists', '--labels', tmp_path / 'names.txt')
    assert 'train: 4 videos\nvalidation: 2 videos' in output
    assert "num_classes=3, dict(type='Flip', flip_label_map={1: 2, 2: 1})" in output
    assert (tmp_path / 'names.txt').read_text().splitlines() == list(LABELS)


def test_bad_videos_end_with_status_1_unless_dropped(run, tmp_path):
    (tmp_path / '20bn-something-something-v2' / '4.webm').unlink()
    output = run(status=1)
    assert '1 bad videos, all listed in bad_videos.txt' in output
    assert '4.webm does not exist' in output
    assert 'No lists were written' in output
    run('--drop-bad')
    assert len((tmp_path / 'sthv2_train_list_videos.txt').read_text().splitlines()) == 3


def test_errors_are_shown_without_traceback(run, tmp_path):
    (tmp_path / 'something-something-v2-train.json').write_text('[')
    assert 'something-something-v2-train.json:1: not valid JSON' in run(status=1)
