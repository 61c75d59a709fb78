import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip('mmseg')

import cv2
import numpy as np
from mmengine.registry import init_default_scope
from PIL import Image

from mmvidext.datasets import CamVidVideoDataset, CityscapesVideoDataset, VideoFolderSegDataset, VSPWDataset
from mmvidext.datasets.media.label_map import read_label_map
from mmvidext.datasets.transforms.clip_loading import NoKeyFrameError
from tests.datasets.layouts import (
    CITY,
    texture,
    write_camvid,
    write_cityscapes,
    write_image,
    write_label,
    write_video_folders,
    write_vspw,
)

LOAD = [dict(type='mmvidext.LoadClip'), dict(type='mmvidext.LoadClipAnnotations'), dict(type='mmvidext.PackClipInputs')]
LABEL = f'gtFine/val/{CITY}/{CITY}_000000_000019_gtFine_labelTrainIds.png'
PREFIX = dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val')


def png_of_gray(values, bits):
    """Return a PNG of 2 or 4 bits, which neither Pillow nor OpenCV writes."""

    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    height, width = values.shape
    planes = np.unpackbits(values[..., None], axis=2)[..., 8 - bits :].reshape(height, -1)
    rows = b''.join(b'\0' + row.tobytes() for row in np.packbits(planes, axis=1))
    header = struct.pack('>IIBBBBB', width, height, bits, 0, 0, 0, 0)
    chunks = chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + chunks


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')


def cityscapes(root, pipeline=LOAD, **kwargs):
    return CityscapesVideoDataset(data_root=str(root), data_prefix=PREFIX, pipeline=pipeline, **kwargs)


def key_and_current(sample):
    return [frame.numpy().transpose(1, 2, 0) for frame in sample['inputs']]


class TestCityscapes:
    @pytest.mark.parametrize(('frames', 'labeled'), [(range(30), 19), (range(275, 305), 294), (range(12), 11)])
    def test_the_labeled_frame_is_the_one_the_label_names(self, tmp_path, frames, labeled):
        write_cityscapes(tmp_path, frames=frames, labeled=labeled)
        sample = cityscapes(tmp_path, distances=(4,))[0]
        key, current = key_and_current(sample)
        assert np.array_equal(current, texture(labeled))
        assert np.array_equal(key, texture(labeled - 4))
        assert sample['data_samples'].frame_index == labeled - frames[0]

    def test_one_sample_for_each_distance(self, tmp_path):
        write_cityscapes(tmp_path)
        dataset = cityscapes(tmp_path, distances=(0, 1, 5, 9))
        assert [sample['data_samples'].propagation_distance for sample in dataset] == [0, 1, 5, 9]

    def test_the_distance_in_a_stream(self, tmp_path):
        write_cityscapes(tmp_path)
        assert cityscapes(tmp_path, key_frame_interval=5)[0]['data_samples'].propagation_distance == 4

    def test_two_snippets_of_one_sequence(self, tmp_path):
        write_cityscapes(tmp_path, frames=range(275, 305), labeled=294)
        write_cityscapes(tmp_path, frames=range(557, 587), labeled=576)
        dataset = cityscapes(tmp_path, distances=(9,))
        assert [len(snippet.frame_paths) for snippet in dataset.snippets] == [30, 30]

    def test_training_draws_a_distance(self, tmp_path):
        write_cityscapes(tmp_path)
        dataset = cityscapes(tmp_path, [dict(type='mmvidext.SampleKeyFrame', distance=(0, 9)), *LOAD])
        drawn = {dataset[0]['data_samples'].propagation_distance for _ in range(80)}
        assert drawn == set(range(10))

    def test_a_missing_frame(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        (folder / f'{CITY}_000000_000012_leftImg8bit.png').unlink()
        with pytest.raises(FileNotFoundError, match='snippet ulm_000000_000019: frame 12 is missing'):
            cityscapes(tmp_path, distances=(9,))
        cityscapes(tmp_path, distances=(5,))  # needs frame 14 only

    def test_a_frame_that_goes_missing_later(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        dataset = cityscapes(tmp_path, distances=(5,))
        (folder / f'{CITY}_000000_000014_leftImg8bit.png').unlink()
        with pytest.raises(ValueError, match=r'frame .*_000014_leftImg8bit\.png does not exist; unpack'):
            dataset[0]

    def test_a_missing_labeled_frame(self, tmp_path):
        write_cityscapes(tmp_path, frames=range(10), labeled=19)
        with pytest.raises(FileNotFoundError, match='its labeled frame 19 is missing'):
            cityscapes(tmp_path)

    def test_a_frame_of_another_size(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        write_image(folder / f'{CITY}_000000_000014_leftImg8bit.png', size=(16, 9))
        with pytest.raises(ValueError, match=r'all frames must have one size, .* is 16x9 and .* is 16x8'):
            cityscapes(tmp_path, distances=(5,))[0]

    def test_a_file_that_is_no_image(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        (folder / f'{CITY}_000000_000014_leftImg8bit.png').write_bytes(b'no image')
        with pytest.raises(ValueError, match=r'_000014_leftImg8bit\.png is not a picture, or is damaged; unpack'):
            cityscapes(tmp_path, distances=(5,))[0]

    def test_a_label_value_outside_the_classes(self, tmp_path):
        labels = np.zeros((8, 16))
        labels[0, :2] = 33, 255
        write_cityscapes(tmp_path, labels=labels)
        with pytest.raises(ValueError, match=r'holds the values \[33\], but there are 19 classes \(0 to 18\) and 255'):
            cityscapes(tmp_path, distances=(0,))[0]

    @pytest.mark.parametrize(
        ('labels', 'message'),
        [
            (np.zeros((8, 16, 3), np.uint8), r"has pixels of mode 'RGB' .*one channel of 8 bits"),
            (np.full((8, 16), 257, np.uint16), r"has pixels of mode 'I;16' .*one channel of 8 bits"),
            (np.zeros((4, 8), np.uint8), r'is \(4, 8\) \(height, width\), but its frame is \(8, 16\)'),
            (np.zeros((16, 32), np.uint8), r'is \(16, 32\) \(height, width\), but its frame is \(8, 16\)'),
        ],
    )
    def test_a_picture_that_is_no_label_map(self, tmp_path, labels, message):
        write_cityscapes(tmp_path)
        cv2.imwrite(str(tmp_path / LABEL), labels)
        with pytest.raises(ValueError, match=rf'label file .*labelTrainIds\.png {message}'):
            cityscapes(tmp_path, distances=(0,))[0]

    def test_a_jpeg_is_no_label_map(self, tmp_path):
        """Its compression makes other classes of the pixels along the borders, which may be valid ones."""
        write_cityscapes(tmp_path)
        path = tmp_path / LABEL
        assert cv2.imwrite(str(path.with_suffix('.jpg')), np.arange(128, dtype=np.uint8).reshape(8, 16) % 19)
        path.with_suffix('.jpg').replace(path)
        with pytest.raises(ValueError, match=r'labelTrainIds\.png is a JPEG, .*make the labels anew, as PNG'):
            cityscapes(tmp_path, distances=(0,))[0]

    def test_a_palette_and_one_bit_are_label_maps(self, tmp_path):
        write_cityscapes(tmp_path)
        labels = np.arange(128, dtype=np.uint8).reshape(8, 16) % 2
        for mode in ('P', '1'):
            picture = Image.fromarray(labels * (255 if mode == '1' else 1)).convert('L' if mode == '1' else None)
            picture = picture.convert('1') if mode == '1' else picture
            if mode == 'P':
                picture.putpalette([0, 0, 0, 9, 8, 7])
            picture.save(tmp_path / LABEL)
            loaded = cityscapes(tmp_path, distances=(0,))[0]['data_samples'].gt_sem_seg.data
            assert np.array_equal(loaded[0], labels)

    @pytest.mark.parametrize(('bits', 'greatest'), [(2, 3), (4, 15)])
    def test_gray_of_few_bits_is_read_as_stored(self, bits, greatest, tmp_path):
        write_cityscapes(tmp_path)
        labels = np.arange(128, dtype=np.uint8).reshape(8, 16) % (greatest + 1)
        (tmp_path / LABEL).write_bytes(png_of_gray(labels, bits))
        loaded = cityscapes(tmp_path, distances=(0,))[0]['data_samples'].gt_sem_seg.data
        assert np.array_equal(loaded[0], labels)

    @pytest.mark.parametrize('head', [b'P5 16 8 18\n', b'P5 16 8 255\n'])
    def test_a_pgm_is_read_as_stored(self, head, tmp_path):
        labels = np.arange(128, dtype=np.uint8).reshape(8, 16) % 19
        (tmp_path / 'a.pgm').write_bytes(head + labels.tobytes())
        assert np.array_equal(read_label_map(str(tmp_path / 'a.pgm')), labels)

    def test_reduced_zero_label(self, tmp_path):
        write_cityscapes(tmp_path)
        cv2.imwrite(str(tmp_path / LABEL), np.resize(np.asarray([0, 1, 19, 255], np.uint8), (8, 16)))
        loaded = cityscapes(tmp_path, distances=(0,), reduce_zero_label=True)[0]['data_samples'].gt_sem_seg.data
        assert loaded[0, 0, :4].tolist() == [255, 0, 18, 255]

    def test_a_program_is_no_label_map(self, tmp_path):
        """Pillow knows PostScript, and gives it to Ghostscript."""
        write_cityscapes(tmp_path)
        text = (
            '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 8\n%ImageData: 16 8 8 1 0 1 1 "beginimage"\n%%EndComments\n'
        )
        (tmp_path / LABEL).write_text(text)
        with pytest.raises(ValueError, match=r'labelTrainIds\.png is not a picture'):
            cityscapes(tmp_path, distances=(0,))[0]

    @pytest.mark.parametrize(
        'damage',
        [
            lambda whole: b'',
            lambda whole: b'no picture',
            lambda whole: whole[: len(whole) * 2 // 3],
            lambda whole: whole[: whole.index(b'IDAT') - 4] + whole[whole.index(b'IEND') - 4 :],
        ],
        ids=['empty', 'text', 'truncated', 'header'],
    )
    def test_a_damaged_label_file_is_named(self, tmp_path, damage):
        write_cityscapes(tmp_path)
        (tmp_path / LABEL).write_bytes(damage((tmp_path / LABEL).read_bytes()))
        with pytest.raises(ValueError, match=r'labelTrainIds\.png (is|cannot be)'):
            cityscapes(tmp_path, distances=(0,))[0]

    def test_a_fifo_in_the_place_of_a_frame_or_label_does_not_hang(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        dataset = cityscapes(tmp_path, distances=(5,))
        for path in (folder / f'{CITY}_000000_000014_leftImg8bit.png', tmp_path / LABEL):
            path.unlink()
            os.mkfifo(path)
            with pytest.raises(ValueError, match=rf'{path.name} is not a regular file'):
                dataset[0]

    def test_two_frames_of_one_number(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        write_image(folder / f'{CITY}_000000_0014_leftImg8bit.png')
        with pytest.raises(ValueError, match=r'_0014_leftImg8bit\.png.* have the same number; remove one'):
            cityscapes(tmp_path)

    def test_frames_with_other_zeros_than_the_label(self, tmp_path):
        folder = write_cityscapes(tmp_path)
        (folder / f'{CITY}_000000_000014_leftImg8bit.png').rename(folder / f'{CITY}_000000_14_leftImg8bit.png')
        key, _ = key_and_current(cityscapes(tmp_path, distances=(5,))[0])
        assert np.array_equal(key, texture(14))

    def test_a_distance_longer_than_the_snippet(self, tmp_path):
        write_cityscapes(tmp_path)
        with pytest.raises(ValueError, match='distance 20 is longer than snippet ulm_000000_000019: only 19 frames'):
            cityscapes(tmp_path, distances=(0, 20))
        dataset = cityscapes(tmp_path, [dict(type='mmvidext.SampleKeyFrame', distance=(0, 25)), *LOAD])
        with pytest.raises(ValueError, match='distance 25 is longer than snippet'):
            dataset[0]

    def test_wrong_arguments(self, tmp_path):
        write_cityscapes(tmp_path)
        with pytest.raises(ValueError, match='give distances or key_frame_interval, not both'):
            cityscapes(tmp_path, distances=(1,), key_frame_interval=5)
        with pytest.raises(ValueError, match='key_frame_interval must be a whole number, at least 1, but is 0'):
            cityscapes(tmp_path, key_frame_interval=0)
        with pytest.raises(ValueError, match=r'distances must be one or more, .*, but is \[-1\]'):
            cityscapes(tmp_path, distances=[-1])

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='no labeled snippet found; expected images under'):
            cityscapes(tmp_path)
        write_label(tmp_path / 'gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png', np.zeros((8, 16)))
        with pytest.raises(FileNotFoundError, match=r'the image folder .*ulm is missing'):
            cityscapes(tmp_path)

    def test_a_label_file_without_numbers(self, tmp_path):
        write_label(tmp_path / 'gtFine/val/ulm/picture_gtFine_labelTrainIds.png', np.zeros((8, 16)))
        with pytest.raises(ValueError, match=r'must be named <city>_<sequence>_<frame>'):
            cityscapes(tmp_path)


class TestFolders:
    """``data_prefix`` names one folder, both, or by mistake another one."""

    def make(self, root, data_prefix):
        write_video_folders(root, values=(0, 1))
        (root / 'frames').rename(root / 'pictures')
        return VideoFolderSegDataset(
            data_root=str(root),
            metainfo=dict(classes=('road', 'car')),
            pipeline=LOAD,
            data_prefix=data_prefix,
            key_frame_interval=2,
        )

    def test_what_is_not_named_has_its_usual_name(self, tmp_path):
        sample = self.make(tmp_path, dict(img_path='pictures'))[0]
        assert np.array_equal(key_and_current(sample)[1], cv2.imread(str(tmp_path / 'pictures/a/1.jpg')))
        assert sample['data_samples'].gt_sem_seg.data.shape == (1, 8, 16)

    def test_an_unknown_folder_is_named(self, tmp_path):
        with pytest.raises(ValueError, match=r"by img_path and seg_map_path, but has \['img'\]"):
            self.make(tmp_path, dict(img='pictures'))


class TestVSPW:
    def make(self, root, **kwargs):
        return VSPWDataset(str(root), ann_file='val.txt', pipeline=LOAD, **kwargs)

    def test_every_frame_in_a_stream(self, tmp_path):
        write_vspw(tmp_path)
        dataset = self.make(tmp_path, key_frame_interval=4)
        assert dataset.metainfo['classes'] == ('wall', 'sky')
        samples = [sample['data_samples'] for sample in dataset]
        assert [(s.video, s.frame_index, s.propagation_distance) for s in samples] == [
            *(('a', index, index % 4) for index in range(6)),
            *(('b', index, index) for index in range(3)),
        ]

    def test_others_and_void_are_ignored(self, tmp_path):
        write_vspw(tmp_path)
        labels = self.make(tmp_path, key_frame_interval=4)[0]['data_samples'].gt_sem_seg.data
        assert labels.flatten()[:4].tolist() == [255, 0, 1, 255]

    def test_frames_without_leading_zeros_are_in_the_order_of_their_numbers(self, tmp_path):
        write_vspw(tmp_path, videos=(('a', 12),), names=[str(number) for number in range(1, 13)])
        [snippet] = self.make(tmp_path).snippets
        assert [Path(path).stem for path in snippet.frame_paths] == [str(number) for number in range(1, 13)]

    def test_a_gap_is_named_and_a_number_twice_is_an_error(self, tmp_path, monkeypatch):
        messages = []
        monkeypatch.setattr('mmvidext.datasets.frame_numbers.print_log', lambda text, **_: messages.append(text))
        write_vspw(tmp_path)
        self.make(tmp_path)
        assert messages == []
        for folder, suffix in (('origin', 'jpg'), ('mask', 'png')):
            (tmp_path / f'data/a/{folder}/00000003.{suffix}').unlink()
        self.make(tmp_path)
        assert messages == ['1 of 2 videos have gaps; video a: frames are missing between 00000002 and 00000004']
        write_image(tmp_path / 'data/a/origin/2.jpg')
        with pytest.raises(ValueError, match='video a: 00000002 and 2 have the same number; remove one'):
            self.make(tmp_path)

    def test_class_0_can_be_a_class(self, tmp_path):
        write_vspw(tmp_path)
        dataset = self.make(tmp_path, key_frame_interval=4, reduce_zero_label=False)
        assert dataset.metainfo['classes'] == ('others', 'wall', 'sky')
        labels = dataset[0]['data_samples'].gt_sem_seg.data
        assert labels.flatten()[:4].tolist() == [0, 1, 2, 0]

    @pytest.mark.parametrize(
        ('label_map', 'expected'), [({1: 1, 2: 0}, [255, 1, 0]), ({0: 1, 1: 0, 2: 255}, [1, 0, 255])]
    )
    def test_a_label_map_has_the_values_of_the_files(self, tmp_path, label_map, expected):
        write_vspw(tmp_path)
        labels = self.make(tmp_path, key_frame_interval=4, label_map=label_map)[0]['data_samples'].gt_sem_seg.data
        assert labels.flatten()[:3].tolist() == expected

    def test_an_error_has_the_values_of_the_files(self, tmp_path):
        write_vspw(tmp_path)
        with pytest.raises(ValueError, match=r'holds the values \[2\], but there are 1 classes \(1 to 1\)'):
            self.make(tmp_path, key_frame_interval=4, metainfo=dict(classes=('wall',), palette=[[0, 0, 0]]))[0]

    def test_the_list_may_have_a_byte_order_mark_and_windows_line_ends(self, tmp_path):
        write_vspw(tmp_path)
        (tmp_path / 'val.txt').write_bytes(b'\xef\xbb\xbfa\r\nb\r\n')
        assert [snippet.name for snippet in self.make(tmp_path).snippets] == ['a', 'b']

    @pytest.mark.parametrize(
        ('content', 'message'),
        [
            ('a\n./a\n', r'val\.txt:2: \./a is listed already in .*val\.txt:1'),
            ('a\n../data/a\n', r'val\.txt:2: \.\./data/a leads out of the data folder'),
            ('a\x0cb\n', r'val\.txt:1: the control character'),
        ],
    )
    def test_errors_in_the_list(self, tmp_path, content, message):
        write_vspw(tmp_path)
        (tmp_path / 'val.txt').write_text(content)
        with pytest.raises(ValueError, match=message):
            self.make(tmp_path)

    def test_a_list_may_lead_out_of_the_folder_if_that_is_meant(self, tmp_path):
        write_vspw(tmp_path)
        (tmp_path / 'val.txt').write_text('../data/a\n')
        assert [snippet.name for snippet in self.make(tmp_path, allow_outside=True).snippets] == ['../data/a']

    @pytest.mark.parametrize(
        'content',
        [
            '[1]',
            '{"a": "x"}',
            '{',
            '{"others": 0, "a": 1, "b": 3}',
            '{"a": 1, "b": 1}',
            '[' * 100000,
            '{"a": Infinity}',
        ],
    )
    def test_errors_in_the_class_list(self, tmp_path, content):
        write_vspw(tmp_path)
        (tmp_path / 'label_num_dic_final.json').write_text(content)
        with pytest.raises(ValueError, match=r'label_num_dic_final\.json.* must (hold|be)'):
            self.make(tmp_path)

    def test_what_is_missing_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'the class list .*label_num_dic_final.json is missing'):
            self.make(tmp_path)
        write_vspw(tmp_path)
        (tmp_path / 'data/a/origin/00000003.jpg').unlink()
        with pytest.raises(FileNotFoundError, match='video a: frame 00000003 is missing'):
            self.make(tmp_path)
        (tmp_path / 'val.txt').write_text('a\nc\n')
        (tmp_path / 'data/a/mask/00000003.png').unlink()
        with pytest.raises(FileNotFoundError, match=r'video c of .* has no frame \*\.jpg in'):
            self.make(tmp_path)
        (tmp_path / 'val.txt').unlink()
        with pytest.raises(FileNotFoundError, match=r'there is no annotation file .*val\.txt'):
            self.make(tmp_path)


class TestVideoFolders:
    LABEL_MAP: ClassVar = {0: 255, 7: 0, 26: 1}

    def test_more_classes_than_8_bits_hold(self, tmp_path):
        write_video_folders(tmp_path)
        metainfo = dict(classes=tuple(map(str, range(256))))
        with pytest.raises(ValueError, match=r'there are 256 classes, .* at most 255 classes can be labeled, 0 to 254'):
            self.make(tmp_path, metainfo=metainfo, label_map=None)
        assert len(self.make(tmp_path, metainfo=metainfo, label_map=None, with_labels=False, test_mode=True)) == 15

    def make(self, root, **kwargs):
        kwargs = dict(label_map=self.LABEL_MAP, metainfo=dict(classes=('road', 'car'))) | kwargs
        return VideoFolderSegDataset(data_root=str(root), pipeline=LOAD, **kwargs)

    def test_labeled_frames_of_a_stream(self, tmp_path):
        write_video_folders(tmp_path)
        dataset = self.make(tmp_path, key_frame_interval=5, test_mode=True)
        assert dataset.metainfo['classes'] == ('road', 'car')
        samples = [sample['data_samples'] for sample in dataset]
        assert [(s.video, s.frame_index, s.propagation_distance) for s in samples] == [
            *(('a', index, index % 5) for index in range(0, 12, 2)),
            ('b', 0, 0),
            ('b', 2, 2),
        ]
        assert Path(samples[5].img_path).name == '11.jpg'
        assert samples[5].gt_sem_seg.data.flatten()[:4].tolist() == [255, 0, 1, 255]

    def test_values_that_the_label_map_does_not_name_are_an_error(self, tmp_path):
        write_video_folders(tmp_path, values=(0, 1, 7, 255))
        with pytest.raises(ValueError, match=r'1\.png holds the values \[1\], but the label map .* names \[0, 7, 26\]'):
            self.make(tmp_path, key_frame_interval=5)[0]
        with pytest.raises(ValueError, match=r'holds the values \[7\], but there are 2 classes \(0 to 1\)'):
            self.make(tmp_path, key_frame_interval=5, label_map=None)[0]

    def test_a_list_of_videos_and_other_folders(self, tmp_path):
        write_video_folders(tmp_path / 'train')
        (tmp_path / 'list.txt').write_text('b\n')
        prefix = dict(img_path='train/frames', seg_map_path='train/labels')
        dataset = self.make(tmp_path, ann_file='list.txt', data_prefix=prefix)
        assert [snippet.name for snippet in dataset.snippets] == ['b']

    def test_a_split_without_labels(self, tmp_path):
        write_video_folders(tmp_path)
        shutil.rmtree(tmp_path / 'labels')
        with pytest.raises(FileNotFoundError, match=r'video a has no label .* needs with_labels=False'):
            self.make(tmp_path)
        dataset = self.make(tmp_path, with_labels=False, key_frame_interval=4, test_mode=True)
        samples = [sample['data_samples'] for sample in dataset]
        assert [sample.propagation_distance for sample in samples] == [*(i % 4 for i in range(12)), 0, 1, 2]
        assert not any('gt_sem_seg' in sample for sample in samples)

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            (dict(metainfo={}), 'metainfo must name the classes'),
            (dict(label_map={7: 2}), r'label_map\[7\] = 2: expected .* a class from 0 to 1 or 255'),
            (dict(label_map={256: 0}), r'label_map\[256\] = 0: expected a value of the label files from 0 to 255'),
            (dict(label_map={'road': 0}), r"label_map\['road'\] = 0"),
        ],
    )
    def test_wrong_arguments(self, tmp_path, arguments, message):
        write_video_folders(tmp_path)
        with pytest.raises(ValueError, match=message):
            self.make(tmp_path, **arguments)

    def test_what_is_missing_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'there is no video in .*frames; expected a folder for each'):
            self.make(tmp_path)
        write_video_folders(tmp_path)
        (tmp_path / 'frames/a/3.jpg').unlink()
        with pytest.raises(FileNotFoundError, match=r'video a: frame 3 is missing in .*, although its label exists'):
            self.make(tmp_path)


class TestCamVid:
    def test_frames_before_each_label(self, tmp_path):
        write_camvid(tmp_path)
        dataset = CamVidVideoDataset(
            data_root=str(tmp_path),
            data_prefix=dict(img_path='frames', seg_map_path='labels/val'),
            pipeline=LOAD,
            distances=(0, 29),
        )
        assert len(dataset) == 4
        key, current = key_and_current(dataset[3])
        for frame, number in ((key, 5311), (current, 5340)):
            assert np.array_equal(frame, texture(number))

    @pytest.mark.parametrize('name', ['0016E5_05310', 'Seq05VD_f02130'])
    def test_both_kinds_of_names(self, name):
        from mmvidext.datasets.camvid_video import _STEM

        match = _STEM.match(name)
        assert match['prefix'] + match['frame'] == name
        assert match['sequence'] == name.split('_')[0]


@pytest.mark.parametrize('test_mode', [False, True])
def test_a_pipeline_without_key_frames_is_no_bad_file(test_mode, tmp_path):
    write_cityscapes(tmp_path)
    dataset = cityscapes(tmp_path, [dict(type='mmvidext.LoadClip')], test_mode=test_mode)
    with pytest.raises(NoKeyFrameError, match='put SampleKeyFrame before it, or give the data set distances'):
        dataset[0]
    assert dataset.bad_files() == {}
