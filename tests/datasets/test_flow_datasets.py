import os

import cv2
import numpy as np
import pytest

from mmvidext.datasets.flow_folders import FlowFolderDataset
from mmvidext.datasets.flow_io import write_flo, write_kitti_flow
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.flying_things3d import FlyingThings3DDataset
from mmvidext.datasets.kitti_flow import HD1KDataset, KITTIFlowDataset
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.sintel import SintelDataset
from tests.datasets.flow_files import random_image, write_chairs, write_pfm, write_sintel

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
    with pytest.raises(FileNotFoundError, match=r'no annotation file .*FlyingChairs_train_val\.txt\. The list'):
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
    train = FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE, test_mode=True)
    write_flo(tmp_path / 'data' / '00001_flow.flo', np.zeros((5, 6, 2), np.float32))
    with pytest.raises(
        ValueError, match=r'00001_flow\.flo is \(5, 6\) \(height, width\), but .*img1\.ppm is \(16, 24\)'
    ):
        train[0]
    flow = tmp_path / 'data' / '00001_flow.flo'
    flow.write_bytes(flow.read_bytes()[:-4])
    with pytest.raises(ValueError, match=rf'^{flow} ') as caught:  # not the image of the pair first
        train[0]
    assert 'img1.ppm' not in str(caught.value)
    (tmp_path / 'data' / '00003_img1.ppm').write_bytes(b'')
    with pytest.raises(ValueError, match=r'00003_img1\.ppm is empty'):
        train[1]
    (tmp_path / 'data' / '00003_img1.ppm').unlink()
    with pytest.raises(ValueError, match=r'00003_img1\.ppm does not exist'):
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
    named = SintelDataset(str(tmp_path), passes='final', scenes='market_2', pipeline=PIPELINE)
    one = SintelDataset(str(tmp_path), passes='final', scenes=['market_2'], use_invalid=False, pipeline=PIPELINE)
    assert [one.get_data_info(i)['sample_id'] for i in range(2)] == [
        'final/market_2/frame_0001',
        'final/market_2/frame_0002',
    ]
    assert one[0]['data_samples'].gt_valid.all()
    assert len(named) == len(one)


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
        FileNotFoundError, match=r'final/alley_1/frame_0003\.png is missing: the pair final/alley_1/frame_0002 needs'
    ):
        SintelDataset(str(tmp_path))
    fifo = tmp_path / 'training' / 'clean' / 'alley_1' / 'frame_0002.png'
    fifo.unlink()
    os.mkfifo(fifo)
    pairs = SintelDataset(str(tmp_path), passes='clean', pipeline=PIPELINE)
    assert pairs[0]['data_samples'].sample_id not in ('clean/alley_1/frame_0001', 'clean/alley_1/frame_0002')
    pairs.test_mode = True
    with pytest.raises(BadFileError, match=r'frame_0002\.png is not a regular file'):
        pairs[0]
    fifo.unlink()
    cv2.imwrite(str(tmp_path / 'training' / 'clean' / 'alley_1' / 'frame_0002.png'), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r'frame_0002\.png is \(8, 8\) .* a pair has one size'):
        SintelDataset(str(tmp_path), passes='clean', pipeline=PIPELINE, test_mode=True)[0]


def test_sintel_occlusions_and_test_split(tmp_path):
    write_sintel(tmp_path, occlusions=True)
    sample = SintelDataset(str(tmp_path), passes='clean', pipeline=PIPELINE, test_mode=True)[0]['data_samples']
    assert sample.gt_occluded[:, 0].all()
    assert not sample.gt_occluded[:, 1:].any()
    (tmp_path / 'training').rename(tmp_path / 'test')
    test = SintelDataset(str(tmp_path), split='test', passes=['clean'], pipeline=PIPELINE)
    assert [test.get_data_info(index)['sample_id'] for index in range(len(test))] == [
        f'clean/{scene}/frame_{number:04d}' for scene in ('alley_1', 'market_2') for number in (1, 2)
    ]
    assert 'gt_flow' not in test[0]['data_samples']
    with pytest.raises(ValueError, match="split must be 'training' or 'test', not 'val'"):
        SintelDataset(str(tmp_path), split='val')


@pytest.mark.parametrize(('year', 'folder'), [('2015', 'image_2'), ('2012', 'colored_0'), ('2012', 'image_0')])
def test_kitti(tmp_path, year, folder):
    generator = np.random.default_rng(0)
    for split in ('training', 'testing'):
        (tmp_path / split / folder).mkdir(parents=True)
        for number in (0, 7):
            for frame in (10, 11):
                path = tmp_path / split / folder / f'{number:06d}_{frame}.png'
                cv2.imwrite(str(path), random_image(generator))
    flow = generator.integers(-640, 640, (16, 24, 2)).astype(np.float32) / 64
    known = np.ones((16, 24), bool)
    known[:4] = False
    matched = known.copy()
    matched[:, :6] = False
    for name, mask in (('flow_occ', known), ('flow_noc', matched)):
        (tmp_path / 'training' / name).mkdir()
        for number in (0, 7):
            write_kitti_flow(tmp_path / 'training' / name / f'{number:06d}_10.png', flow, mask)
    training = KITTIFlowDataset(str(tmp_path), year=year, pipeline=PIPELINE)
    assert [training.get_data_info(index)['sample_id'] for index in range(2)] == [
        f'{year}/000000_10',
        f'{year}/000007_10',
    ]
    assert training.get_data_info(1)['img2_path'].endswith(f'{folder}/000007_11.png')
    sample = training[0]['data_samples']
    np.testing.assert_array_equal(sample.gt_valid, known)
    np.testing.assert_array_equal(sample.gt_occluded, ~matched)
    np.testing.assert_array_equal(sample.gt_flow.numpy().transpose(1, 2, 0)[known], flow[known])
    testing = KITTIFlowDataset(str(tmp_path), year=year, split='testing', pipeline=PIPELINE)
    assert len(testing) == 2
    assert 'gt_flow' not in testing[0]['data_samples']
    (tmp_path / 'training' / folder / '000007_11.png').unlink()
    with pytest.raises(FileNotFoundError, match=rf'000007_11\.png is missing: the pair {year}/000007_10 needs it'):
        KITTIFlowDataset(str(tmp_path), year=year)


def test_kitti_errors(tmp_path):
    with pytest.raises(ValueError, match="year must be '2012' or '2015', not '2016'"):
        KITTIFlowDataset(str(tmp_path), year='2016')
    with pytest.raises(ValueError, match="split must be 'training' or 'testing', not 'val'"):
        KITTIFlowDataset(str(tmp_path), split='val')
    with pytest.raises(FileNotFoundError, match=r'holds no pair; expected training/ or testing/ with image_2'):
        KITTIFlowDataset(str(tmp_path))


def test_hd1k(tmp_path):
    generator = np.random.default_rng(0)
    images, flows = tmp_path / 'hd1k_input' / 'image_2', tmp_path / 'hd1k_flow_gt' / 'flow_occ'
    images.mkdir(parents=True)
    flows.mkdir(parents=True)
    for scene, numbers in ((0, (10, 11, 12)), (3, (0, 1))):
        for number in numbers:
            cv2.imwrite(str(images / f'{scene:06d}_{number:04d}.png'), random_image(generator))
            write_kitti_flow(flows / f'{scene:06d}_{number:04d}.png', np.full((16, 24, 2), number, np.float32))
    dataset = HD1KDataset(str(tmp_path), pipeline=PIPELINE)
    assert [dataset.get_data_info(index)['sample_id'] for index in range(len(dataset))] == [
        '000000_0010',
        '000000_0011',
        '000003_0000',
    ]
    assert dataset.get_data_info(1)['img2_path'].endswith('000000_0012.png')
    assert dataset[1]['data_samples'].gt_flow.unique().tolist() == [11]
    for name in ('000000_0010 (copy).png', '000000_0010_old.png'):
        (flows / name).touch()
        with pytest.raises(
            ValueError, match=r'000000_0010.*\.png must be named SCENE_FRAME\.png, for example 000000_0010'
        ):
            HD1KDataset(str(tmp_path))
        (flows / name).unlink()
    (flows / '000000_0011.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'frame 10 of scene 000000 is followed by frame 12'):
        HD1KDataset(str(tmp_path))


def test_flying_things3d(tmp_path):
    generator = np.random.default_rng(0)
    for camera in ('left', 'right'):
        frames = tmp_path / 'frames_cleanpass' / 'TRAIN' / 'A' / '0000' / camera
        frames.mkdir(parents=True)
        for number in (6, 7, 8):
            cv2.imwrite(str(frames / f'{number:04d}.png'), random_image(generator))
            for direction, label in (('into_future', 'IntoFuture'), ('into_past', 'IntoPast')):
                flows = tmp_path / 'optical_flow' / 'TRAIN' / 'A' / '0000' / direction / camera
                flows.mkdir(parents=True, exist_ok=True)
                flow = np.full((16, 24, 2), number, np.float32)
                write_pfm(flows / f'OpticalFlow{label}_{number:04d}_{camera[0].upper()}.pfm', flow)
    dataset = FlyingThings3DDataset(str(tmp_path), passes='clean', pipeline=PIPELINE)
    pairs = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert [(pair['img1_path'][-13:], pair['img2_path'][-13:]) for pair in pairs[:4]] == [
        ('left/0006.png', 'left/0007.png'),
        ('left/0007.png', 'left/0008.png'),
        ('left/0007.png', 'left/0006.png'),
        ('left/0008.png', 'left/0007.png'),
    ]
    assert len(pairs) == 8
    assert dataset[3]['data_samples'].gt_flow.unique().tolist() == [8]
    copy = tmp_path / 'optical_flow/TRAIN/A/0000/into_past/left/OpticalFlowIntoPast_0006 (copy)_L.pfm'
    copy.touch()
    with pytest.raises(ValueError, match=r'\(copy\)_L\.pfm must be named OpticalFlowIntoPast_NUMBER_L\.pfm, for'):
        FlyingThings3DDataset(str(tmp_path), passes='clean')
    copy.unlink()
    (tmp_path / 'frames_cleanpass' / 'TRAIN' / 'A' / '0000' / 'left' / '0007.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'left/0007\.png is missing: the pair clean/TRAIN/A/0000/left/Optical'):
        FlyingThings3DDataset(str(tmp_path), passes='clean')


def test_flying_things3d_errors(tmp_path):
    with pytest.raises(ValueError, match="split must be 'TRAIN' or 'TEST', not 'VAL'"):
        FlyingThings3DDataset(str(tmp_path), split='VAL')
    with pytest.raises(ValueError, match=r"cameras must be among \('left', 'right'\), not \('top',\)"):
        FlyingThings3DDataset(str(tmp_path), cameras='top')
    with pytest.raises(FileNotFoundError, match='holds no pair; expected frames_cleanpass/TRAIN/A/0000/left'):
        FlyingThings3DDataset(str(tmp_path))


class TestFolders:
    def make(self, root, frames=('1.png', '2.png', '3.png'), flow=('1.flo', '2.flo')):
        for folder, names in (('frames', frames), ('flow', flow)):
            (root / folder / 'a').mkdir(parents=True)
            for name in names:
                (root / folder / 'a' / name).touch()
        return FlowFolderDataset(str(root), pipeline=[])

    def test_a_gap_in_the_numbers_is_named(self, tmp_path, monkeypatch):
        messages = []
        monkeypatch.setattr('mmvidext.datasets.frame_numbers.print_log', lambda text, **_: messages.append(text))
        self.make(tmp_path / 'whole')
        assert messages == []
        self.make(tmp_path / 'hole', frames=('1.png', '2.png', '9.png'))
        assert messages == ['1 of 1 videos have gaps; video a: frames are missing between 2 and 9']

    @pytest.mark.parametrize(
        ('files', 'message'),
        [
            (dict(frames=('1.png', '01.png', '2.png')), 'video a: 01 and 1 have the same number; remove one'),
            (dict(frames=('x.jpg', 'x.png', 'y.png')), r'frames/a/x\.jpg and x\.png have the same name; remove one'),
            (dict(flow=('1.flo', '1.png')), r'flow/a/1\.flo and 1\.png have the same name; remove one'),
        ],
    )
    def test_two_files_for_one_frame(self, files, message, tmp_path):
        with pytest.raises(ValueError, match=message):
            self.make(tmp_path, **files)
