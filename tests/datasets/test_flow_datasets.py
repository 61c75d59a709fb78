import os

import cv2
import numpy as np
import pytest

from mmvidext.datasets.flow_io import write_flo
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.sintel import SintelDataset
from tests.datasets.flow_files import write_chairs, write_sintel

PIPELINE = [dict(type='mmvidext.LoadFlowPair'), dict(type='mmvidext.PackFlowPair')]


def test_flying_chairs(tmp_path):
    pairs = write_chairs(tmp_path)
    train = FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE)
    val = FlyingChairsDataset(str(tmp_path), split='val', pipeline=PIPELINE, test_mode=True)
    assert [train[i]['data_samples'].sample_id for i in range(len(train))] == ['00001', '00003']
    assert [val[i]['data_samples'].sample_id for i in range(len(val))] == ['00002']
    first, second, flow = pairs['00002']
    item = val[0]
    np.testing.assert_array_equal(item['inputs'].numpy().transpose(0, 2, 3, 1), np.stack((first, second)))  # RGB
    np.testing.assert_array_equal(item['data_samples'].gt_flow.numpy().transpose(1, 2, 0), flow)
    assert item['data_samples'].gt_valid.all()
    assert item['data_samples'].ori_shape == (16, 24)


def test_flying_chairs_errors(tmp_path):
    with pytest.raises(ValueError, match="split must be 'train' or 'val', not 'test'"):
        FlyingChairsDataset(str(tmp_path), split='test')
    with pytest.raises(FileNotFoundError, match=r'FlyingChairs_train_val\.txt: no such file; the list of the split'):
        FlyingChairsDataset(str(tmp_path))
    write_chairs(tmp_path)
    split = tmp_path / 'FlyingChairs_train_val.txt'
    split.write_text('1\n2\n')
    with pytest.raises(ValueError, match=r'has 2 lines, but .*data holds 3 pairs'):
        FlyingChairsDataset(str(tmp_path))
    split.write_text('1\n3\n1\n')
    with pytest.raises(ValueError, match=r"train_val\.txt:2: a line is 1 \(train\) or 2 \(val\), not '3'"):
        FlyingChairsDataset(str(tmp_path))
    split.write_text('1\n2\n1')
    (tmp_path / 'data' / '00003_img2.ppm').unlink()
    assert len(FlyingChairsDataset(str(tmp_path), split='val')) == 1
    with pytest.raises(FileNotFoundError, match=r'00003_img2\.ppm is missing: a pair has img1\.ppm, img2\.ppm'):
        FlyingChairsDataset(str(tmp_path))


def test_damaged_files_are_named(tmp_path):
    write_chairs(tmp_path)
    train = FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE)
    write_flo(tmp_path / 'data' / '00001_flow.flo', np.zeros((5, 6, 2), np.float32))
    with pytest.raises(
        ValueError, match=r'00001_flow\.flo is \(5, 6\) \(height, width\), but .*img1\.ppm is \(16, 24\)'
    ):
        train[0]
    (tmp_path / 'data' / '00003_img1.ppm').write_bytes(b'')
    with pytest.raises(ValueError, match=r'00003_img1\.ppm is empty'):
        train[1]
    (tmp_path / 'data' / '00003_img1.ppm').unlink()
    with pytest.raises(FileNotFoundError, match=r'00003_img1\.ppm does not exist'):
        train[1]
    for name in ('00003_img1.ppm', '00001_flow.flo'):
        (tmp_path / 'data' / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / 'data' / name)
        with pytest.raises(ValueError, match=rf'{name} is not a regular file'):
            train[int(name.startswith('00003'))]


def test_sintel(tmp_path):
    write_sintel(tmp_path)
    both = SintelDataset(str(tmp_path), pipeline=PIPELINE)
    assert len(both) == 2 * 2 * 2
    info = both.get_data_info(1)
    assert info['sample_id'] == 'clean/alley_1/frame_0002'
    assert info['img1_path'].endswith('clean/alley_1/frame_0002.png')
    assert info['img2_path'].endswith('clean/alley_1/frame_0003.png')
    assert info['flow_path'].endswith('flow/alley_1/frame_0002.flo')
    valid = both[0]['data_samples'].gt_valid
    assert not valid[0].any()
    assert valid[1:].all()
    one = SintelDataset(str(tmp_path), passes='final', scenes=['market_2'], use_invalid=False, pipeline=PIPELINE)
    assert [one.get_data_info(i)['sample_id'] for i in range(2)] == [
        'final/market_2/frame_0001',
        'final/market_2/frame_0002',
    ]
    assert one[0]['data_samples'].gt_valid.all()


def test_a_sintel_flow_file_without_a_number(tmp_path):
    write_sintel(tmp_path)
    flow = tmp_path / 'training/flow/alley_1'
    (flow / 'frame_0001.flo').rename(flow / 'frame_one.flo')
    with pytest.raises(ValueError, match=r'frame_one\.flo must be named frame_NUMBER\.flo'):
        SintelDataset(str(tmp_path))


def test_sintel_errors(tmp_path):
    with pytest.raises(ValueError, match="passes must be among 'clean' and 'final'"):
        SintelDataset(str(tmp_path), passes='albedo')
    with pytest.raises(FileNotFoundError, match=r'clean: no such folder; data_root must hold training/clean'):
        SintelDataset(str(tmp_path))
    write_sintel(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"has no scene \['cave_4'\]; it has \['alley_1', 'market_2'\]"):
        SintelDataset(str(tmp_path), scenes=['cave_4'])
    (tmp_path / 'training' / 'final' / 'alley_1' / 'frame_0003.png').unlink()
    with pytest.raises(
        FileNotFoundError, match=r'final/alley_1/frame_0003\.png is missing: .*frame_0002\.flo needs it'
    ):
        SintelDataset(str(tmp_path))
    cv2.imwrite(str(tmp_path / 'training' / 'clean' / 'alley_1' / 'frame_0002.png'), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r'frame_0002\.png is \(8, 8\) .* a pair has one size'):
        SintelDataset(str(tmp_path), passes='clean', pipeline=PIPELINE)[0]
