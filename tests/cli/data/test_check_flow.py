import cv2
import numpy as np
import pytest

from mmvidext.cli.data.check_flow import check_flow
from mmvidext.datasets.flow_io import write_kitti_flow
from tests.cli.invoke import invoke
from tests.datasets.flow_files import random_image, write_chairs, write_pfm, write_sintel

FLOW = np.ones((16, 24, 2), np.float32)


def test_complete(tmp_path):
    write_chairs(tmp_path / 'chairs')
    write_sintel(tmp_path / 'sintel')
    output = invoke(check_flow, 'flying-chairs', tmp_path / 'chairs')
    assert 'train: 2 pairs\nval: 1 pairs\ncomplete' in output
    output = invoke(check_flow, 'sintel', tmp_path / 'sintel', '--all')
    assert output == 'clean: 4 pairs\nfinal: 4 pairs\ncomplete\n'
    (tmp_path / 'sintel' / 'test').symlink_to('training')
    assert 'final: 4 pairs\ntest: 8 pairs\ncomplete' in invoke(check_flow, 'sintel', tmp_path / 'sintel')


def write_images(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(folder / name), random_image(np.random.default_rng(0)))


@pytest.mark.parametrize(('year', 'images'), [('2012', 'colored_0'), ('2015', 'image_2')])
def test_kitti(tmp_path, year, images):
    write_images(tmp_path / 'training' / images, '000000_10.png', '000000_11.png')
    (tmp_path / 'training' / 'flow_occ').mkdir()
    write_kitti_flow(tmp_path / 'training' / 'flow_occ' / '000000_10.png', FLOW)
    assert invoke(check_flow, f'kitti-{year}', tmp_path) == 'training: 1 pairs\ncomplete\n'
    write_images(tmp_path / 'testing' / images, '000000_10.png')
    output = invoke(check_flow, f'kitti-{year}', tmp_path, status=1)
    assert 'training: 1 pairs\n' in output
    assert '000000_11.png is missing: the pair' in output


def test_hd1k(tmp_path):
    names = ('000000_0010.png', '000000_0011.png')
    write_images(tmp_path / 'hd1k_input' / 'image_2', *names)
    flows = tmp_path / 'hd1k_flow_gt' / 'flow_occ'
    flows.mkdir(parents=True)
    for name in names:
        write_kitti_flow(flows / name, FLOW)
    assert invoke(check_flow, 'hd1k', tmp_path) == 'all: 1 pairs\ncomplete\n'


def test_flying_things3d(tmp_path):
    for split in ('TRAIN', 'TEST'):
        for name in ('clean', 'final'):
            for camera in ('left', 'right'):
                frames = tmp_path / f'frames_{name}pass' / split / 'A' / '0000' / camera
                write_images(frames, '0006.png', '0007.png')
                flows = tmp_path / 'optical_flow' / split / 'A' / '0000' / 'into_future' / camera
                flows.mkdir(parents=True, exist_ok=True)
                write_pfm(flows / f'OpticalFlowIntoFuture_0006_{camera[0].upper()}.pfm', FLOW)
    output = invoke(check_flow, 'flying-things3d', tmp_path, '--all')
    parts = ('TRAIN clean', 'TRAIN final', 'TEST clean', 'TEST final')
    assert output == ''.join(f'{part}: 2 pairs\n' for part in parts) + 'complete\n'
    (tmp_path / 'frames_finalpass').rename(tmp_path / 'elsewhere')
    assert 'TEST final: ' in invoke(check_flow, 'flying-things3d', tmp_path, status=1)


def test_says_what_is_missing_and_where_it_is(tmp_path):
    out = invoke(check_flow, 'sintel', tmp_path, status=1)
    assert 'clean: no such folder; data_root must hold training/clean' in out
    assert 'to download: MPI-Sintel-complete.zip' in out


def test_all_reads_every_file(tmp_path):
    write_chairs(tmp_path, codes=(1, 1, 1, 2))
    (tmp_path / 'data' / '00002_flow.flo').write_bytes(b'nonsense')
    invoke(check_flow, 'flying-chairs', tmp_path)  # only the first and the last pair of a part are read
    assert '00002_flow.flo is not a .flo file' in invoke(check_flow, 'flying-chairs', tmp_path, '--all', status=1)


def test_a_part_without_pairs(tmp_path):
    write_chairs(tmp_path, codes=(1, 1))
    output = invoke(check_flow, 'flying-chairs', tmp_path, status=1)
    assert "txt gives no pair to 'val': no line is 2" in output
    (tmp_path / 'training' / 'flow' / 'alley_1').mkdir(parents=True)
    for name in ('clean', 'final'):
        (tmp_path / 'training' / name).mkdir()
    output = invoke(check_flow, 'sintel', tmp_path, status=1)
    assert 'holds no pair; expected training/ or test/ with clean' in output
