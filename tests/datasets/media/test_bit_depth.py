"""Pictures of 12 or 16 bits, at which mmcv's loaders would keep the upper 8 without a word."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.datasets import CityscapesVideoDataset, FrameListDataset
from mmvidext.datasets.media.bit_depth import check_8_bits
from mmvidext.datasets.media.files import BadFileError
from tests.datasets.layouts import write_cityscapes


def write(path, dtype, *, channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    highest = np.iinfo(dtype).max // 16
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, highest, (16, 24, channels)).astype(dtype))
    return str(path)


@pytest.mark.parametrize('suffix', ['png', 'tif', 'PNG'])
@pytest.mark.parametrize('channels', [1, 3, 4])
def test_only_more_than_8_bits_are_refused(tmp_path, suffix, channels):
    check_8_bits(write(tmp_path / f'narrow.{suffix}', np.uint8, channels=channels))
    with pytest.raises(BadFileError, match=rf'wide\.{suffix} has more than 8 bits a channel, but 8 are read'):
        check_8_bits(write(tmp_path / f'wide.{suffix}', np.uint16, channels=channels))


def test_a_ppm_states_its_greatest_value(tmp_path):
    check_8_bits(write(tmp_path / 'narrow.ppm', np.uint8))
    with pytest.raises(BadFileError, match=r'wide\.ppm has more than 8 bits a channel'):
        check_8_bits(write(tmp_path / 'wide.ppm', np.uint16))


def test_what_is_no_picture_is_left_to_the_loader(tmp_path):
    (tmp_path / 'a.png').write_text('no picture')
    check_8_bits(str(tmp_path / 'a.png'))
    check_8_bits(str(tmp_path / 'missing.png'))
    check_8_bits('s3://bucket/a.png')


def test_frames_that_mmseg_loads(tmp_path):
    write_cityscapes(tmp_path, frames=range(1), labeled=0)
    frame = next((tmp_path / 'leftImg8bit_sequence').rglob('*.png'))
    init_default_scope('mmseg')
    dataset = CityscapesVideoDataset(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val'),
        pipeline=[dict(type='LoadImageFromFile')],
        test_mode=True,
    )
    assert dataset[0]['img'].dtype == np.uint8
    write(frame, np.uint16)
    with pytest.raises(BadFileError, match=rf'{frame.name} has more than 8 bits a channel'):
        dataset[0]


def test_frames_that_mmaction_loads(tmp_path):
    for number in (1, 2):
        write(tmp_path / f'a/{number:05}.png', np.uint8)
    (tmp_path / 'list.txt').write_text('a 2 0\n')
    init_default_scope('mmaction')
    sample = dict(type='SampleFrames', clip_len=1, num_clips=2, test_mode=True)
    dataset = FrameListDataset(
        str(tmp_path / 'list.txt'),
        [sample, dict(type='RawFrameDecode')],
        data_prefix=dict(img=str(tmp_path)),
        filename_tmpl='{:05}.png',
        test_mode=True,
    )
    assert len(dataset[0]['imgs']) == 2
    write(tmp_path / 'a/00001.png', np.uint16)
    with pytest.raises(BadFileError, match=r'00001\.png has more than 8 bits a channel'):
        dataset[0]
