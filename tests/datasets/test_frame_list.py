import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmvidext.datasets.frame_list import FrameListDataset
from mmvidext.datasets.media.files import BadFileError

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
    path = tmp_path_factory.mktemp('frames')
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
    return FrameListDataset('list.txt', **{**defaults, **options})


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
        ('9 4 0', r'frames/9 should hold 4 frames, but .*frames/9/00004\.jpg does not exist'),
        ('8 6 0', r'frames/8 should hold 6 frames, but .*frames/8/00006\.jpg does not exist'),
        ('damaged 4 0', r'frames/damaged/0000[1-4]\.jpg is not a picture, or is damaged'),
    ],
)
def test_bad_folders(folder, line, message):
    with pytest.raises(BadFileError, match=message):
        build(folder, f'7 4 1\n{line}\n', test_mode=True)[1]
    assert build(folder, f'7 4 0\n{line}\n', max_bad_fraction=0.5)[1]['data_samples'].frame_dir.endswith('frames/7')


@pytest.mark.parametrize(('delimiter', 'line'), [(';', 'brush hair;4;1'), (' ', 'brush hair\t4\t1')])
def test_folders_with_spaces_and_frames_from_zero(folder, delimiter, line):
    (folder / 'frames/brush hair').mkdir(exist_ok=True)
    for frame in range(4):
        cv2.imwrite(str(folder / f'frames/brush hair/{frame}.jpg'), np.full((8, 8, 3), 40 * frame, np.uint8))
    options = dict(delimiter=delimiter, filename_tmpl='{}.jpg', start_index=0, test_mode=True)
    item = build(folder, f'{line}\n', **options, pipeline=[{**PIPELINE[0], 'test_mode': True}, *PIPELINE[1:]])[0]
    np.testing.assert_allclose(item['inputs'].float().mean(dim=(1, 2, 3)), [0, 40, 80, 120], atol=3)
    assert item['data_samples'].gt_label.item() == 1


def test_flow(folder):
    (folder / 'frames/flow').mkdir(exist_ok=True)
    for frame in range(1, 7):
        for axis, value in (('x', 20 * frame), ('y', 250 - 20 * frame)):
            cv2.imwrite(str(folder / f'frames/flow/flow_{axis}_{frame:05d}.jpg'), np.full((8, 8), value, np.uint8))
    sampler = dict(type='SampleFrames', clip_len=5, frame_interval=1, num_clips=1, test_mode=True)
    pack = [PIPELINE[1], dict(type='FormatShape', input_format='NCHW'), PIPELINE[3]]
    options = dict(modality='Flow', filename_tmpl='flow_{}_{:05d}.jpg', test_mode=True)
    item = build(folder, 'flow 6 0\n', pipeline=[sampler, *pack], **options)[0]
    means = item['inputs'].float().mean(dim=(-1, -2)).reshape(5, 2)
    np.testing.assert_allclose(means, [[20 * frame, 250 - 20 * frame] for frame in range(1, 6)], atol=3)


def test_a_fifo_in_the_place_of_a_frame_does_not_hang(folder):
    for frame in range(1, 5):
        (folder / 'frames/fifo').mkdir(exist_ok=True)
        path = folder / f'frames/fifo/{frame:05d}.jpg'
        os.mkfifo(path) if frame == 2 else cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(BadFileError, match=r'frames/fifo/00002\.jpg is not a regular file'):
        build(folder, 'fifo 4 1\n', test_mode=True)[0]


@pytest.fixture
def one_frame(folder):
    """Replace a frame of a clip of its own."""

    def write(content):
        (folder / 'frames/sizes').mkdir(exist_ok=True)
        for frame in range(1, 5):
            cv2.imwrite(str(folder / f'frames/sizes/{frame:05d}.jpg'), np.zeros((8, 8, 3), np.uint8))
        (folder / 'frames/sizes/00002.jpg').write_bytes(content)

    return write


def test_a_frame_of_another_size(folder, one_frame):
    one_frame(cv2.imencode('.jpg', np.zeros((6, 9, 3), np.uint8))[1].tobytes())
    message = r'frames/sizes: .*00002\.jpg is 9x6, but .*00004\.jpg is 8x8: the frames of a video must have one size'
    with pytest.raises(BadFileError, match=message):
        build(folder, 'sizes 4 1\n', test_mode=True)[0]


def test_a_huge_frame_is_not_decoded(folder, one_frame, monkeypatch):
    header = b'IHDR' + struct.pack('>IIBBBBB', 16384, 16384, 8, 2, 0, 0, 0)
    one_frame(
        b'\x89PNG\r\n\x1a\n\0\0\0\r' + header + struct.pack('>I', zlib.crc32(header)) + b'\0\0\0\x09IDAT' + bytes(13)
    )
    monkeypatch.setattr('mmaction.datasets.transforms.RawFrameDecode.transform', lambda *_: pytest.fail('decoded'))
    with pytest.raises(BadFileError, match=r'sizes/00002\.jpg has more than 67108864 pixels'):
        build(folder, 'sizes 4 1\n', test_mode=True)[0]


def test_wrong_use(folder):
    with pytest.raises(ValueError, match=r"list\.txt:1: expected 3 fields, '<path> <total_frames> <label>'"):
        build(folder, '7 1\n')
    with pytest.raises(ValueError, match="modality must be 'RGB' or 'Flow', but is 'Pose'"):
        build(folder, '7 4 1\n', modality='Pose')
    for modality, template in (
        ('RGB', 'flow_{}_{:05}.jpg'),
        ('Flow', '{:05d}.jpg'),
        ('RGB', 'frame.jpg'),
        ('Flow', '{}.jpg'),
    ):
        with pytest.raises(ValueError, match='filename_tmpl='):
            build(folder, '7 4 1\n', modality=modality, filename_tmpl=template)
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        build(folder, '7 4 1\n', data_prefix=dict(img='nowhere'))
