from mmvidext.cli.data.check_flow import check_flow
from tests.cli.invoke import invoke
from tests.datasets.flow_files import write_chairs, write_sintel


def test_complete(tmp_path):
    write_chairs(tmp_path / 'chairs')
    write_sintel(tmp_path / 'sintel')
    output = invoke(check_flow, 'flying-chairs', tmp_path / 'chairs')
    assert 'train: 2 pairs\nval: 1 pairs\ncomplete' in output
    output = invoke(check_flow, 'sintel', tmp_path / 'sintel', '--all')
    assert 'clean: 4 pairs\nfinal: 4 pairs\ncomplete' in output


def test_says_what_is_missing_and_where_it_is(tmp_path):
    out = invoke(check_flow, 'sintel', tmp_path, status=1)
    assert 'clean: no such folder; data_root must hold training/clean' in out
    assert 'to download: MPI-Sintel-complete.zip' in out


def test_all_reads_every_file(tmp_path):
    write_chairs(tmp_path, codes=(1, 1, 1, 2))
    (tmp_path / 'data' / '00002_flow.flo').write_bytes(b'nonsense')
    invoke(check_flow, 'flying-chairs', tmp_path)  # only the first and the last pair of a part are read
    assert '00002_flow.flo is no .flo file' in invoke(check_flow, 'flying-chairs', tmp_path, '--all', status=1)


def test_a_part_without_pairs(tmp_path):
    write_chairs(tmp_path, codes=(1, 1))
    output = invoke(check_flow, 'flying-chairs', tmp_path, status=1)
    assert "txt gives no pair to 'val': no line is 2" in output
    (tmp_path / 'training' / 'flow' / 'alley_1').mkdir(parents=True)
    for name in ('clean', 'final'):
        (tmp_path / 'training' / name).mkdir()
    output = invoke(check_flow, 'sintel', tmp_path, status=1)
    assert 'holds no pair; expected training/ or test/ with clean' in output
