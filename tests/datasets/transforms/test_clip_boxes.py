"""Boxes of a clip whose transforms drop some of them, or all."""

import numpy as np
import pytest

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmengine.registry import init_default_scope

from mmvidext.datasets import ImageNetVIDDataset
from mmvidext.datasets.transforms import ClipTransform, LoadClipBoxes, PackClipDetInputs
from tests.datasets.imagenet_vid_files import SIZE, write_annotation, write_imagenet_vid

CAR = 'n02958343'
BOXES = [(2, 2, 5, 5), (10, 10, 50, 35), (40, 2, 60, 20), (0, 20, 3, 39)]
AWAY = dict(type='RandomCrop', crop_size=(8, 8))
SMALL = dict(type='FilterAnnotations', min_gt_bbox_wh=(5, 5))


@pytest.fixture(autouse=True, scope='module')
def detection_scope():
    init_default_scope('mmdet')


def loaded(path, boxes, tracks=None, num_frames=2):
    tracks = range(7, 7 + len(boxes)) if tracks is None else tracks
    write_annotation(path, [(CAR, track, box) for track, box in zip(tracks, boxes, strict=True)])
    frame = np.zeros((*SIZE, 3), np.uint8)
    picture = dict(imgs=[frame] * num_frames) if num_frames else dict(img=frame)
    common = dict(ann_path=str(path), img_path='a', part='VID', class_names=('car',), ori_shape=SIZE, img_shape=SIZE)
    results = LoadClipBoxes()({**picture, **common})
    results['gt_bboxes_labels'] = np.array([track or 0 for track in tracks])  # every transform drops these along
    return results


@pytest.mark.parametrize('num_frames', [0, 2])
@pytest.mark.parametrize(('transform', 'box'), [(AWAY, (0, 0, 1, 1)), (SMALL, (3, 3, 6, 6))])
def test_a_clip_whose_boxes_are_all_dropped_is_given_up(tmp_path, num_frames, transform, box):
    np.random.seed(0)
    given = loaded(tmp_path / 'a.xml', [box], num_frames=num_frames)
    assert ClipTransform([transform])(given) is None


class GiveUp:
    """Gives up one of the frames."""

    def __init__(self, value):
        self.value = value

    def __call__(self, results):
        return None if results['img'].max() == self.value else results


@pytest.mark.parametrize('value', [0, 1, 2])
def test_a_clip_is_given_up_for_any_of_its_frames(value):
    frames = [np.full((4, 4, 3), number, np.uint8) for number in range(3)]
    assert ClipTransform([GiveUp(value)])(dict(imgs=frames)) is None


def test_the_data_set_draws_another_sample(tmp_path):
    write_imagenet_vid(tmp_path)
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmvidext.LoadClipBoxes'),
        dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomCrop', crop_size=(2, 2))]),
        dict(type='mmvidext.PackClipDetInputs'),
    ]
    found = ImageNetVIDDataset(str(tmp_path), frame_list='VID_train_15frames.txt', pipeline=pipeline)
    np.random.seed(0)
    assert all(len(found[index]['data_samples'].gt_instances) for index in range(8))


@pytest.mark.parametrize(
    'transform',
    [
        SMALL,
        dict(type='RandomCrop', crop_size=(25, 30)),
        dict(type='MinIoURandomCrop', min_ious=(0.1,), min_crop_size=0.5),
        dict(type='RandomAffine', max_translate_ratio=0.6),
    ],
    ids=lambda transform: transform['type'],
)
def test_track_ids_stay_with_their_boxes(tmp_path, transform):
    numbers = set()
    for seed in range(12):
        np.random.seed(seed)
        results = ClipTransform([transform])(loaded(tmp_path / 'a.xml', BOXES))
        if results is not None:
            sample = PackClipDetInputs()(results)['data_samples']
            assert sample.track_ids == tuple(sample.gt_instances.labels.tolist())
            numbers.add(len(sample.track_ids))
    assert min(numbers) < len(BOXES)


def test_ignored_boxes_and_boxes_without_a_track(tmp_path):
    results = loaded(tmp_path / 'a.xml', BOXES, tracks=[3, 4, None, 5])
    results['gt_ignore_flags'] = np.array([False, True, False, False])
    assert PackClipDetInputs()(results)['data_samples'].track_ids == (3, None, 5)


def test_new_boxes_have_no_tracks(tmp_path):
    results = loaded(tmp_path / 'a.xml', BOXES)
    boxes = results['gt_bboxes']
    results['gt_bboxes'] = boxes.cat([boxes[:2], boxes[2:]])
    assert PackClipDetInputs()(results)['data_samples'].track_ids == (None,) * 4
