import numpy as np
import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from click.testing import CliRunner
from mmengine import fileio
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvidext.cli.data import data
from mmvidext.datasets import ImageNetVIDDataset, VideoSampler
from mmvidext.datasets import video_sampler as video_sampler_module
from mmvidext.datasets.imagenet_vid_lists import read_frame_list, read_image_list, read_video_list
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.vid_annotation import read_vid_annotation
from tests.configs.paths import CONFIGS
from tests.datasets.imagenet_vid_files import SIZE, write_annotation, write_frame, write_imagenet_vid

BASE = (CONFIGS / '_base_/datasets/imagenet_vid.py').read_text().replace('(1000, 600)', '(200, 80)')
TRAIN, VAL = (Config.fromstring(BASE, '.py')[f'{split}_pipeline'] for split in ('train', 'val'))
READ = [dict(type='LoadImageFromFile'), dict(type='mmvidext.LoadClipBoxes'), dict(type='mmvidext.PackClipDetInputs')]


@pytest.fixture
def root(tmp_path):
    init_default_scope('mmdet')
    write_imagenet_vid(tmp_path)
    return tmp_path


def dataset(root, pipeline=READ, **arguments):
    if not any(name.endswith('list') for name in arguments):
        arguments |= dict(video_list='VID_val_videos.txt', test_mode=True)
    return ImageNetVIDDataset(str(root), pipeline=pipeline, **arguments)


def test_training_mixes_det_and_vid(root):
    found = dataset(root, image_list='DET_train_30classes.txt', frame_list='VID_train_15frames.txt', pipeline=TRAIN)
    assert len(found) == 1 + 12 + 7
    np.random.seed(0)
    clips = [found[index] for index in range(20)]
    still = clips[0]['data_samples']
    assert still.propagation_distance == 0
    assert torch.equal(*clips[0]['inputs'])  # its own key frame
    assert still.gt_instances.labels.tolist() == [6]  # the object of another class is skipped
    assert still.track_ids == (None,)
    for clip, frame in zip(clips[1:13], range(12), strict=True):
        sample = clip['data_samples']
        assert clip['inputs'].shape == (2, 3, 80, 128)  # the short side decides
        shown = clip['inputs'].float().mean((1, 2, 3)) / 10
        assert [round(value) for value in shown.tolist()] == [frame - sample.propagation_distance, frame]
        assert sample.frame_id == frame
        assert (sample.video, sample.num_frames, sample.track_ids) == ('a', 12, (0, 1))
        assert sample.gt_instances.labels.tolist() == [6, 8]
    distances = [clip['data_samples'].propagation_distance for clip in clips[1:]]
    assert len(set(distances)) > 3
    assert len({clip['data_samples'].video_id for clip in clips}) == 3


def test_boxes_follow_the_resizing_and_the_flip(root):
    found = dataset(root, frame_list='VID_train_15frames.txt', pipeline=TRAIN)
    boxes = {}
    for seed in range(8):
        np.random.seed(seed)
        sample = found[4]['data_samples']
        boxes[sample.flip] = sample.gt_instances.bboxes.tensor[0].tolist()
    assert boxes[False] == pytest.approx([8, 8, 48, 60])
    assert boxes[True] == pytest.approx([80, 8, 120, 60])


def test_frames_without_objects_are_drawn_again(root):
    write_annotation(root / 'Annotations/VID/a/000003.xml', [])
    np.random.seed(0)
    assert dataset(root, frame_list='VID_train_15frames.txt', pipeline=TRAIN)[3]['data_samples'].frame_id != 3
    assert len(dataset(root, key_frame_interval=10, pipeline=VAL)[3]['data_samples'].gt_instances.labels) == 0


def test_key_frames_of_a_stream_are_counted_anew_in_each_video(root):
    found = dataset(root, pipeline=VAL, key_frame_interval=5)
    samples = [found[index]['data_samples'] for index in range(len(found))]
    assert [sample.propagation_distance for sample in samples] == [
        *(n % 5 for n in range(12)),
        *(n % 5 for n in range(7)),
    ]
    assert [sample.img_id for sample in samples] == list(range(1, 20))  # as the authors' motion file is ordered
    assert samples[3].gt_instances.bboxes.tensor[0].tolist() == [3, 4, 23, 30]  # at the size of the file
    assert samples[3].scale_factor == (2.0, 2.0)


def test_distances_have_the_same_frames(root):
    found = dataset(root, pipeline=VAL, distances=[0, 1, 5])
    seen = {}
    for index in range(len(found)):
        sample = found[index]['data_samples']
        seen.setdefault(sample.propagation_distance, []).append((sample.video, sample.frame_id))
    assert seen[0] == seen[1] == seen[5] == [*(('a', n) for n in range(5, 12)), ('b', 5), ('b', 6)]
    with pytest.raises(ValueError, match='distance 8 is longer than snippet b'):
        dataset(root, distances=[0, 8])


def test_some_of_the_classes(root):
    found = dataset(root, metainfo=dict(classes=('dog',)))
    assert found[0]['data_samples'].gt_instances.labels.tolist() == [0]
    assert found[0]['data_samples'].track_ids == (1,)
    with pytest.raises(ValueError, match=r"\['unicorn'\] are not"):
        dataset(root, metainfo=dict(classes=('dog', 'unicorn')))


@pytest.mark.parametrize('world_size', [1, 2, 3])
def test_each_process_gets_whole_videos(root, world_size, monkeypatch):
    write_imagenet_vid(root, lengths=(12, 7, 9, 12))
    found = dataset(root, key_frame_interval=10)
    parts = []
    for rank in range(world_size):
        monkeypatch.setattr(video_sampler_module, 'get_dist_info', lambda rank=rank: (rank, world_size))
        parts.append(list(VideoSampler(found)))
        assert len(VideoSampler(found)) == len(parts[-1])
    assert [index for part in parts for index in part] == list(range(40))
    videos = [{found.get_data_info(index)['video'] for index in part} for part in parts]
    assert sum(map(len, videos)) == 4
    assert all(videos)


# ---- bad input


@pytest.mark.parametrize(
    ('read', 'line', 'message'),
    [
        (read_image_list, 'x/1', "1: expected '<path> <number>'"),
        (read_image_list, '../x 1', 'leads out of the data folder'),
        (read_frame_list, 'a 1 12 12', 'the video has 12 frames, counted from 0, but the frame is 12'),
        (read_frame_list, 'a 1 -1 12', "expected '<video> <number> <frame> <length>'"),
        (read_video_list, 'a 1 3 12', 'listed by its first frame, 0, and its length'),
        (read_video_list, 'a 2 0 12', 'its first frame is number 1 of the list, but 2 is written'),
        (read_video_list, 'a 1 0 999999999', '1: a video has at most 1000000 frames, .* but 999999999 are written'),
        (read_video_list, '\n', 'lists nothing'),
    ],
)
def test_a_wrong_line(read, line, message, tmp_path):
    (tmp_path / 'list.txt').write_text(line)
    with pytest.raises(ValueError, match=message) as error:
        read(str(tmp_path / 'list.txt'))
    assert 'list.txt' in str(error.value)


@pytest.mark.parametrize('missing', ['Data/VID/a/000003.JPEG', 'Annotations/VID/a/000003.xml'])
def test_a_listed_frame_that_is_missing(root, missing):
    (root / missing).unlink()
    with pytest.raises(BadFileError, match=r'000003\.\w+ does not exist; it is listed in .*VID_val_videos.txt:1'):
        dataset(root)[3]
    train = dataset(root, frame_list='VID_train_15frames.txt', max_bad_fraction=0.2)
    assert train[3]['data_samples'].frame_id != 3  # replaced, and counted
    assert train.num_bad == 1


OBJECT = (
    '<annotation><size><width>64</width><height>40</height></size><object><name>n02958343</name><bndbox>'
    '<xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>'
)
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>' + OBJECT.replace('n02958343', '&c;')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (OBJECT.replace('<ymin>2</ymin>', ''), r'1\.xml: object 1 has no bndbox/ymin'),
        (OBJECT.replace('<ymin>2</ymin>', '<ymin>two</ymin>'), "object 1: bndbox/ymin must be a number, but is 'two'"),
        (OBJECT.replace('<ymin>2</ymin>', '<ymin>nan</ymin>'), "bndbox/ymin must be a number, but is 'nan'"),
        (OBJECT.replace('<xmax>9</xmax>', '<xmax>0</xmax>'), 'ends before it begins'),
        (OBJECT.replace('n02958343', 'car'), "name must be a WordNet id such as n02691156, but is 'car'"),
        (OBJECT.replace('<name>n02958343</name>', ''), 'object 1 has no name'),
        (OBJECT.replace('<width>64</width>', ''), 'has no size/width'),
        (OBJECT.replace('<height>40', '<height>0'), 'a size of at least 1 pixel'),
        (OBJECT[:-5], 'is not XML in UTF-8'),
        (OBJECT.encode('utf-16'), 'is not XML in UTF-8'),
        (BOMB, 'has a document type'),
        (BOMB.encode('utf-16-le'), 'is not XML in UTF-8'),
        (OBJECT + ' ' * (1 << 20), 'bytes, and more than 1048576 are not read'),
        ('<a>' * 20000, 'is not XML in UTF-8'),
    ],
)
def test_a_wrong_annotation(content, message, tmp_path):
    path = tmp_path / '1.xml'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        read_vid_annotation(str(path))


def test_a_huge_annotation_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / '1.xml').open('wb') as file:
        file.truncate(1 << 33)
    monkeypatch.setattr(fileio, 'get', lambda *_: pytest.fail('read'))
    with pytest.raises(ValueError, match=r'1\.xml has 8589934592 bytes, and more than 1048576 are not read'):
        read_vid_annotation(str(tmp_path / '1.xml'))


def test_an_annotation(tmp_path):
    (tmp_path / '1.xml').write_text(OBJECT)
    assert read_vid_annotation(str(tmp_path / '1.xml')) == ((40, 64), (('n02958343', (1, 2, 9, 8), None),))


def boxes_of(root, objects, **arguments):
    write_frame(root, 'VID', 'a/000000', objects)
    pipeline = [READ[0], dict(READ[1], **arguments), READ[2]]
    return dataset(root, pipeline=pipeline)[0]['data_samples'].gt_instances.bboxes.tensor.tolist()


def test_boxes_at_the_border(root, caplog):
    car = ('n02958343', 0)
    across = (*car, (-3, -2, 70, 50))
    assert boxes_of(root, [across]) == [[0, 0, SIZE[1] - 1, SIZE[0] - 1]]
    assert boxes_of(root, [across], clip=False) == [[-3, -2, 70, 50]]
    assert boxes_of(root, [(*car, (5, 5, 5, 9))], min_size=1) == []
    assert boxes_of(root, [(*car, (64, 5, 70, 9)), (*car, (1, 1, 9, 9))]) == [[1, 1, 9, 9]]


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        (('n02958343', 0, (64, 5, 70, 9)), 'outside of the picture of 64x40'),
        (('n00007846', 0, (4, 5, 7, 9)), 'n00007846'),
    ],
)
def test_what_is_skipped_is_named(root, item, message, monkeypatch):
    said = []
    monkeypatch.setattr('mmvidext.datasets.transforms.clip_boxes.print_log', lambda text, **_: said.append(text))
    assert boxes_of(root, [item]) == []
    (text,) = said
    assert '000000.xml: skipped' in text
    assert message in text
    result = CliRunner().invoke(data, ['check-imagenet-vid', str(root)])
    assert result.exit_code == 0, result.output
    assert 'skipped: ' in result.output
    assert message in result.output


def test_an_annotation_of_another_size(root):
    write_annotation(root / 'Annotations/VID/a/000000.xml', [], size=(10, 10))
    with pytest.raises(BadFileError, match=r'is of a frame of \(10, 10\)'):
        dataset(root)[0]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(video_list=None), 'give at least one of image_list, frame_list and video_list'),
        (dict(distances=[0], key_frame_interval=3), 'not both'),
        (dict(distances=[-1]), 'distances must be one or more, whole numbers from 0'),
        (dict(key_frame_interval=0), 'key_frame_interval must be a whole number, at least 1'),
    ],
)
def test_wrong_arguments(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        dataset(root, **arguments)


def test_check_finds_what_is_missing(root):
    run = CliRunner().invoke
    result = run(data, ['check-imagenet-vid', str(root), '--all'])
    assert result.exit_code == 0, result.output
    assert 'VID_val_videos.txt: 19 frames of 2 videos' in result.output
    (root / 'Data/VID/b/000002.JPEG').unlink()
    assert run(data, ['check-imagenet-vid', str(root)]).exit_code == 0  # neither the first nor the last
    result = run(data, ['check-imagenet-vid', str(root), '--all'])
    assert result.exit_code == 1
    assert 'b/000002.JPEG does not exist; it is listed in' in result.output
    (root / 'ImageSets/VID_val_videos.txt').unlink()
    result = run(data, ['check-imagenet-vid', str(root)])
    assert 'there is no annotation file' in result.output
    assert 'to download' in result.output
