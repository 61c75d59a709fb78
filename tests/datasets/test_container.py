import struct

import pytest

from mmvidext.datasets.container import announced_size, file_problem
from tests.datasets.videos import write_video


@pytest.fixture(scope='module')
def webm(tmp_path_factory):
    path = tmp_path_factory.mktemp('container') / 'good.webm'
    write_video(path)
    return path


def box(name, payload, *, size=None):
    return struct.pack('>I4s', len(payload) + 8 if size is None else size, name) + payload


def write(tmp_path, content):
    path = tmp_path / 'file'
    path.write_bytes(content)
    return path


def test_a_webm_file_announces_its_size(webm):
    assert announced_size(webm) == webm.stat().st_size
    assert file_problem(webm) is None


@pytest.mark.parametrize('part', [0.3, 0.7, 0.999])
def test_a_truncated_webm_file_is_found(webm, tmp_path, part):
    content = webm.read_bytes()
    path = write(tmp_path, content[: int(len(content) * part)])
    assert file_problem(path) == f'is truncated: it has {int(len(content) * part)} bytes of {len(content)}'


def test_a_webm_file_of_unknown_length_passes(tmp_path):
    header = b'\x1a\x45\xdf\xa3\x82ab'
    assert announced_size(write(tmp_path, header + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + b'stream')) is None
    assert announced_size(write(tmp_path, header + b'\x18\x53\x80\x67\x84abcd')) == len(header) + 9
    assert announced_size(write(tmp_path, header + b'\x18\x53\x80\x67\x40\x04abcd')) == len(header) + 10


def test_mp4_boxes_are_followed(tmp_path):
    whole = box(b'ftyp', b'isom') + box(b'moov', bytes(20)) + box(b'mdat', bytes(50))
    assert file_problem(write(tmp_path, whole)) is None
    assert 'is truncated: it has 80 bytes of 98' in file_problem(write(tmp_path, whole[:80]))
    large = box(b'ftyp', b'isom') + struct.pack('>I4sQ', 1, b'mdat', 16 + 40) + bytes(40)
    assert announced_size(write(tmp_path, large)) == len(large)
    assert announced_size(write(tmp_path, large[:30])) == len(large)
    to_the_end = box(b'ftyp', b'isom') + box(b'mdat', bytes(9), size=0)
    assert announced_size(write(tmp_path, to_the_end)) is None


def test_other_problems(tmp_path):
    assert file_problem(tmp_path / 'none') == 'does not exist'
    assert file_problem(tmp_path) == 'is not a file'
    assert file_problem(write(tmp_path, b'')) == 'is empty'
    assert file_problem(write(tmp_path, b'\x1a\x45\xdf\xa3')) is None  # too short to say anything: the decoder will
    assert file_problem(write(tmp_path, b'RIFF' + bytes(30))) is None
