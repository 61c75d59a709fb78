import pytest

from tests.datasets.flow_files import write_chairs, write_sintel
from tools.data import check_flow_data


def run(monkeypatch, *arguments):
    monkeypatch.setattr('sys.argv', ['check_flow_data.py', *map(str, arguments)])
    check_flow_data.main()


def test_complete(tmp_path, monkeypatch, capsys):
    write_chairs(tmp_path / 'chairs')
    write_sintel(tmp_path / 'sintel')
    run(monkeypatch, 'flying-chairs', tmp_path / 'chairs')
    run(monkeypatch, 'sintel', tmp_path / 'sintel', '--all')
    out = capsys.readouterr().out
    assert 'train: 2 pairs\nval: 1 pairs\ncomplete' in out
    assert 'clean: 4 pairs\nfinal: 4 pairs\ncomplete' in out


def test_says_what_is_missing_and_where_it_is(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit, match='1'):
        run(monkeypatch, 'sintel', tmp_path)
    out = capsys.readouterr().out
    assert 'clean: no such folder; data_root must hold training/clean' in out
    assert 'to download: MPI-Sintel-complete.zip' in out


def test_all_reads_every_file(tmp_path, monkeypatch, capsys):
    write_chairs(tmp_path, codes=(1, 1, 1, 2))
    (tmp_path / 'data' / '00002_flow.flo').write_bytes(b'nonsense')
    run(monkeypatch, 'flying-chairs', tmp_path)  # only the first and the last pair of a part are read
    with pytest.raises(SystemExit, match='1'):
        run(monkeypatch, 'flying-chairs', tmp_path, '--all')
    assert '00002_flow.flo is no .flo file' in capsys.readouterr().out


def test_a_part_without_pairs(tmp_path, monkeypatch, capsys):
    write_chairs(tmp_path, codes=(1, 1))
    with pytest.raises(SystemExit, match='1'):
        run(monkeypatch, 'flying-chairs', tmp_path)
    assert "txt gives no pair to 'val': no line is 2" in capsys.readouterr().out
    (tmp_path / 'training' / 'flow' / 'alley_1').mkdir(parents=True)
    for name in ('clean', 'final'):
        (tmp_path / 'training' / name).mkdir()
    with pytest.raises(SystemExit, match='1'):
        run(monkeypatch, 'sintel', tmp_path)
    assert 'flow has no SCENE/frame_0001.flo: there is nothing to read' in capsys.readouterr().out
