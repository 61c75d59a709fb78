import importlib

import pytest

from tests.datasets.test_sthv2_preparation import LABELS, write_download

prepare_sthv2 = importlib.import_module('tools.data.prepare_sthv2')


@pytest.fixture
def run(tmp_path, monkeypatch):
    def run_tool(*options):
        monkeypatch.setattr('sys.argv', ['prepare_sthv2.py', str(tmp_path), '--workers', '0', *map(str, options)])
        prepare_sthv2.main()

    write_download(tmp_path)
    return run_tool


def test_a_good_download(run, tmp_path, capsys):
    run('--out', tmp_path / 'lists', '--labels', tmp_path / 'names.txt')
    output = capsys.readouterr().out
    assert 'train: 4 videos\nvalidation: 2 videos' in output
    assert "num_classes=3, dict(type='Flip', flip_label_map={1: 2, 2: 1})" in output
    assert (tmp_path / 'names.txt').read_text().splitlines() == list(LABELS)


def test_bad_videos_end_with_status_1_unless_dropped(run, tmp_path, capsys):
    (tmp_path / '20bn-something-something-v2' / '4.webm').unlink()
    with pytest.raises(SystemExit) as error:
        run()
    assert error.value.code == 1
    output = capsys.readouterr().out
    assert '1 bad videos, all listed in bad_videos.txt' in output
    assert '4.webm does not exist' in output
    assert 'No lists were written' in output
    run('--drop-bad')
    assert len((tmp_path / 'sthv2_train_list_videos.txt').read_text().splitlines()) == 3


def test_errors_are_shown_without_traceback(run, tmp_path, capsys):
    (tmp_path / 'something-something-v2-train.json').write_text('[')
    with pytest.raises(SystemExit) as error:
        run()
    assert error.value.code == 2
    assert 'something-something-v2-train.json:1: not valid JSON' in capsys.readouterr().err
