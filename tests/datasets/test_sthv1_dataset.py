import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmvidext.datasets.bad_video import BadVideoError
from mmvidext.datasets.sthv1_dataset import SthV1Dataset

PIPELINE = [
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=4),
    dict(type='RawFrameDecode'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir',)),
]


@pytest.fixture(scope='module', autouse=True)
def scope():
    init_default_scope('mmaction')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('sthv1')
    for clip in ('7', '8', 'damaged'):
        (path / 'frames' / clip).mkdir(parents=True)
        for frame in range(1, 5):
            picture = np.full((8, 8, 3), 40 * frame, np.uint8)
            cv2.imwrite(str(path / 'frames' / clip / f'{frame:05d}.jpg'), picture)
    for frame in range(1, 5):
        (path / 'frames/damaged' / f'{frame:05d}.jpg').write_bytes(b'no picture')
    return path


def build(folder, content, **options):
    (folder / 'list.txt').write_text(content)
    defaults = dict(data_root=str(folder), data_prefix=dict(img='frames'), num_classes=2, pipeline=PIPELINE)
    return SthV1Dataset('list.txt', **{**defaults, **options})


def test_reads_frames_from_one_on(folder):
    item = build(
        folder, '7 4 1\n8 4 0\n', test_mode=True, pipeline=[{**PIPELINE[0], 'test_mode': True}, *PIPELINE[1:]]
    )[0]
    assert item['inputs'].shape == (4, 3, 8, 8)
    np.testing.assert_allclose(item['inputs'].float().mean(dim=(1, 2, 3)), [40, 80, 120, 160], atol=3)
    assert item['data_samples'].gt_label.item() == 1


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('9 4 0', r'frames/9 should hold 4 frames, but there is no .*frames/9/00004\.jpg'),
        ('8 6 0', r'frames/8 should hold 6 frames, but there is no .*frames/8/00006\.jpg'),
        ('damaged 4 0', r'frames/damaged cannot be read: '),
    ],
)
def test_bad_folders(folder, line, message):
    with pytest.raises(BadVideoError, match=message):
        build(folder, f'7 4 1\n{line}\n', test_mode=True)[1]
    assert build(folder, f'7 4 1\n{line}\n')[1]['data_samples'].frame_dir.endswith('frames/7')


def test_wrong_use(folder):
    with pytest.raises(ValueError, match=r"list\.txt:1: expected 3 fields, '<path> <total_frames> <label>'"):
        build(folder, '7 1\n')
    with pytest.raises(ValueError, match='with_offset must be False'):
        build(folder, '7 4 1\n', with_offset=True)
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        build(folder, '7 4 1\n', data_prefix=dict(img='nowhere'))
