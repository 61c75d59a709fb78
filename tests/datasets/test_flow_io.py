import struct

import cv2
import numpy as np
import pytest

from mmvidext.datasets.flow_io import read_flo, read_flow, read_kitti_flow, write_flo, write_kitti_flow
from tests.datasets.flow_files import write_pfm


@pytest.fixture
def flow():
    return np.random.default_rng(0).normal(scale=20, size=(5, 7, 2)).astype(np.float32)


def test_flo_bytes_are_the_published_layout(tmp_path):
    path = tmp_path / 'a.flo'
    path.write_bytes(struct.pack('<fii', 202021.25, 2, 1) + struct.pack('<4f', 1, 2, 3, 4))
    np.testing.assert_array_equal(read_flo(path), [[[1, 2], [3, 4]]])
    write_flo(tmp_path / 'b.flo', np.array([[[1, 2], [3, 4]]], np.float32))
    assert (tmp_path / 'b.flo').read_bytes() == path.read_bytes()


def test_flo_round_trip_is_exact(tmp_path, flow):
    flow[0, 0] = 1e10
    write_flo(tmp_path / 'a.flo', flow[:, ::-1])  # not contiguous
    np.testing.assert_array_equal(read_flo(tmp_path / 'a.flo'), flow[:, ::-1])


def test_kitti_png_is_the_published_layout(tmp_path):
    # R, G, B = x, y, valid; opencv writes BGR
    image = np.array([[[1, 2**15 - 64, 2**15 + 128], [0, 5, 5]]], np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    flow, valid = read_kitti_flow(tmp_path / 'a.png')
    np.testing.assert_array_equal(flow, [[[2, -1], [0, 0]]])
    np.testing.assert_array_equal(valid, [[True, False]])


def test_kitti_round_trip(tmp_path, flow):
    valid = np.random.default_rng(1).random((5, 7)) > 0.3
    flow[~valid] = 1e9
    write_kitti_flow(tmp_path / 'a.png', flow, valid)
    read, read_valid = read_kitti_flow(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_valid, valid)
    assert np.abs(read - flow)[valid].max() <= 0.5 / 64
    assert (read[~valid] == 0).all()
    write_kitti_flow(tmp_path / 'b.png', read)
    assert read_kitti_flow(tmp_path / 'b.png')[1].all()


def test_read_flow_goes_by_suffix_and_zeroes_unknown_vectors(tmp_path, flow):
    flow[1, 2], flow[2, 3, 1] = 1e9, np.nan
    write_flo(tmp_path / 'a.flo', flow)
    read, valid = read_flow(str(tmp_path / 'a.flo'))
    assert np.argwhere(~valid).tolist() == [[1, 2], [2, 3]]
    assert (read[~valid] == 0).all()
    np.testing.assert_array_equal(read[valid], flow[valid])
    write_kitti_flow(tmp_path / 'a.png', read, valid)
    np.testing.assert_array_equal(read_flow(tmp_path / 'a.png')[1], valid)


def damage(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'XXXX' + bytes(20), r"a\.flo is not a \.flo file, .* magic number b'PIEH': it starts with b'XXXX'"),
        (b'', r'a\.flo is empty'),
        (b'PIEH\x01\x00', r'a\.flo is truncated: its header takes 12 bytes, but it has 6'),
        (b'PIEH' + struct.pack('<ii', 2, 1) + bytes(15), r'is truncated: 2 x 1 .* take 28 bytes, but it has 27'),
        (b'PIEH' + struct.pack('<ii', 2, 1) + bytes(17), r'has bytes after its end: .* 28 bytes, but it has 29'),
        (b'PIEH' + struct.pack('<ii', -1, 4), r'a\.flo is damaged: its header says -1 x 4'),
    ],
)
def test_damaged_flo(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        read_flow(damage(tmp_path / 'a.flo', data))


def test_other_errors(tmp_path, flow):
    with pytest.raises(FileNotFoundError, match=r'none\.flo does not exist'):
        read_flow(tmp_path / 'none.flo')
    with pytest.raises(FileNotFoundError, match=r'none\.png does not exist'):
        read_flow(tmp_path / 'none.png')
    with pytest.raises(ValueError, match=r"a\.txt: a flow file ends in '\.flo' .* not in '\.txt'"):
        read_flow(tmp_path / 'a.txt')
    with pytest.raises(ValueError, match=r'a\.png is not a picture, or is damaged'):
        read_flow(damage(tmp_path / 'a.png', b'hello'))
    cv2.imwrite(str(tmp_path / 'b.png'), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r'b\.png must be a 16-bit PNG to hold flow, but its pixels are uint8'):
        read_flow(tmp_path / 'b.png')
    with pytest.raises(ValueError, match=r'flow must be \(H, W, 2\), order \(x, y\), .*, but its shape is \(2, 5, 7\)'):
        write_flo(tmp_path / 'a.flo', flow.transpose(2, 0, 1))
    with pytest.raises(ValueError, match=r'valid must be \(H, W\) = \(5, 7\) as flow, but it is \(7, 5\)'):
        write_kitti_flow(tmp_path / 'a.png', flow, np.ones((7, 5), bool))
    with pytest.raises(ValueError, match=r'KITTI stores -512 to 511\.98 pixels'):
        write_kitti_flow(tmp_path / 'a.png', flow + 512)


def test_truncated_kitti_png(tmp_path, flow):
    write_kitti_flow(tmp_path / 'a.png', flow)
    damage(tmp_path / 'a.png', (tmp_path / 'a.png').read_bytes()[:-20])
    with pytest.raises(ValueError, match=r'a\.png is not a picture, or is damaged'):
        read_kitti_flow(tmp_path / 'a.png')


@pytest.mark.parametrize('scale', [-1.0, 1.0])
def test_pfm_of_flying_things3d(tmp_path, scale):
    flow = np.random.default_rng(0).normal(size=(5, 7, 2)).astype(np.float32)
    write_pfm(tmp_path / 'a.pfm', flow, scale)
    read, valid = read_flow(tmp_path / 'a.pfm')
    np.testing.assert_array_equal(read, flow)
    assert valid.all()
    data = (tmp_path / 'a.pfm').read_bytes()
    damages = {
        b'': 'is empty',
        data[:-1]: 'is truncated: 7 x 5',
        data + b'0': 'has bytes after its end',
        data[:9]: 'is not a portable float map',
        b'no image': 'is not a portable float map',
        b'PF\n30000 30000\n-1.0\n': 'is truncated: 30000 x 30000',
    }
    for content, message in damages.items():
        (tmp_path / 'b.pfm').write_bytes(content)
        with pytest.raises(ValueError, match=rf'b\.pfm {message}'):
            read_flow(tmp_path / 'b.pfm')
    (tmp_path / 'disparity.pfm').write_bytes(b'Pf\n7 5\n-1.0\n' + flow[..., 0].tobytes())
    with pytest.raises(ValueError, match=r'disparity\.pfm must have three channels .* one channel is disparity'):
        read_flow(tmp_path / 'disparity.pfm')


def test_a_disparity_of_kitti_is_no_flow(tmp_path):
    cv2.imwrite(str(tmp_path / 'disp_occ_0.png'), np.full((5, 7), 40000, np.uint16))
    with pytest.raises(ValueError, match=r'disp_occ_0\.png must have three channels .* has 1; one channel is'):
        read_flow(tmp_path / 'disp_occ_0.png')
