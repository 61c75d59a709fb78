import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmvidext.evaluation import IoUMetric, VideoIoUMetric


def sample(labels, truth=None, **meta):
    result = {'img_path': 'a/frame.png', 'pred_sem_seg': {'data': torch.tensor([labels])}, **meta}
    return result if truth is None else {**result, 'gt_sem_seg': {'data': torch.tensor([truth])}}


def metric(kind=IoUMetric, num_classes=3, **kwargs):
    result = kind(**kwargs)
    result.dataset_meta = {'classes': tuple(f'class {index}' for index in range(num_classes))}
    return result


def masks(folder):
    return {str(path.relative_to(folder)): cv2.imread(str(path), -1).tolist() for path in sorted(folder.rglob('*.png'))}


def test_each_video_has_its_folder(tmp_path):
    iou = metric(output_dir=str(tmp_path), format_only=True)
    frames = [
        sample([[video, frame]], img_path=f'{video}/{frame}.jpg', video=f'video_{video}')
        for video in (0, 1, 2)
        for frame in (0, 1)
    ]
    iou.process({}, frames)
    assert masks(tmp_path) == {
        f'video_{video}/{frame}.png': [[video, frame]] for video in (0, 1, 2) for frame in (0, 1)
    }


def test_images_that_are_no_video_keep_their_folder(tmp_path):
    iou = metric(output_dir=str(tmp_path), format_only=True)
    iou.process({}, [sample([[1]], img_path='data/aachen/1.png'), sample([[2]], img_path='data/bochum/1.png')])
    assert masks(tmp_path) == {'aachen/1.png': [[1]], 'bochum/1.png': [[2]]}


def test_a_frame_has_a_mask_for_each_distance(tmp_path):
    iou = metric(VideoIoUMetric, distances=(0, 1), output_dir=str(tmp_path), format_only=True)
    iou.process({}, [sample([[distance]], video='v', propagation_distance=distance) for distance in (0, 1)])
    assert masks(tmp_path) == {'distance_0/v/frame.png': [[0]], 'distance_1/v/frame.png': [[1]]}


def test_a_mask_never_replaces_another(tmp_path):
    iou = metric(output_dir=str(tmp_path), format_only=True)
    iou.process({}, [sample([[1]], img_path='x/a/1.png')])
    with pytest.raises(ValueError, match=r'the masks of x/a/1.png and of y/a/1.png would both be written to .*1.png'):
        iou.process({}, [sample([[2]], img_path='y/a/1.png')])
    assert masks(tmp_path) == {'a/1.png': [[1]]}
    iou.process({}, [sample([[2]], img_path='x/a/1.png')])  # the next evaluation of the same training
    assert masks(tmp_path) == {'a/1.png': [[2]]}
    with pytest.raises(ValueError, match=r'the masks of z/b/1.png at the distances 0 and 1 would both be written to'):
        iou.process({}, [sample([[1]], img_path='z/b/1.png', propagation_distance=distance) for distance in (0, 1)])


def test_masks_stay_inside_their_folder(tmp_path):
    iou = metric(output_dir=str(tmp_path / 'masks'), format_only=True)
    with pytest.raises(ValueError, match=r'would be written to .*, outside output_dir'):
        iou.process({}, [sample([[1]], video='../../elsewhere')])


@pytest.mark.parametrize(('num_classes', 'dtype'), [(254, np.uint8), (255, np.uint16), (400, np.uint16)])
def test_masks_of_many_classes_have_16_bits(tmp_path, num_classes, dtype):
    iou = metric(num_classes=num_classes, output_dir=str(tmp_path), format_only=True)
    last = num_classes - 1
    logits = torch.zeros(num_classes, 1, 3)
    logits[0, 0, 2] = torch.nan
    iou.process({}, [sample([[0, last, 0]], reduce_zero_label=True, seg_logits={'data': logits})])
    written = cv2.imread(str(tmp_path / 'a' / 'frame.png'), -1)
    assert written.dtype == dtype
    assert written.tolist() == [[1, last + 1, last + 2]]


def test_all_that_is_asked_for_is_reported_at_each_distance():
    iou = metric(VideoIoUMetric, num_classes=2, distances=(0, 1), iou_metrics=['mIoU', 'mDice', 'mFscore'])
    iou.process({}, [sample([[0, 1]], [[0, 1]], propagation_distance=0)])
    iou.process({}, [sample([[0, 0]], [[0, 1]], propagation_distance=1)])
    # at distance 1: class 0 has IoU 1/2 and Dice 2/3, class 1 has 0 everywhere
    assert iou.evaluate(2) == {
        'mIoU@0': 100,
        'mIoU@1': 25,
        'mIoU': 62.5,
        'mDice@0': 100,
        'mDice@1': 33.33,
        'mDice': 66.67,
        'mFscore@0': 100,
        'mFscore@1': 33.33,
        'mFscore': 66.67,
        'mPrecision@0': 100,
        'mPrecision@1': 25,
        'mPrecision': 62.5,
        'mRecall@0': 100,
        'mRecall@1': 50,
        'mRecall': 75,
    }


def test_a_table_of_the_classes_is_logged(monkeypatch):
    logged = []
    monkeypatch.setattr('mmvidext.evaluation.video_iou_metric.print_log', lambda text, logger: logged.append(text))
    iou = metric(VideoIoUMetric, num_classes=2, distances=(0, 1))
    iou.process({}, [sample([[0, 1]], [[0, 1]], propagation_distance=0)])
    iou.process({}, [sample([[0, 0]], [[0, 1]], propagation_distance=1)])
    iou.evaluate(2)
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in logged[0].splitlines() if line.startswith('|')]
    assert rows == [['class', '@0', '@1'], ['class 0', '100.00', '50.00'], ['class 1', '100.00', '0.00']]


def test_fscore_and_precision_of_a_class_that_is_never_found_are_zero():
    iou = metric(num_classes=3, iou_metrics=['mFscore'])
    iou.process({}, [sample([[0, 0]], [[0, 1]])])
    scores = iou.evaluate(1)
    assert float(scores['mFscore']) == pytest.approx(33.33)  # of the two classes that are there
    assert float(scores['mPrecision']) == 25


def test_a_sample_without_ground_truth():
    with pytest.raises(ValueError, match=r'a/frame.png has no ground truth: .* format_only=True'):
        metric().process({}, [sample([[0]])])


@pytest.mark.parametrize('kind', [IoUMetric, VideoIoUMetric])
def test_one_name_is_a_metric(kind):
    distances = dict(distances=[0]) if kind is VideoIoUMetric else {}
    iou = metric(kind, num_classes=2, iou_metrics='mIoU', **distances)
    iou.process({}, [sample([[0, 1]], [[0, 0]], propagation_distance=0)])
    assert float(iou.evaluate(1)['mIoU']) == 25


@pytest.mark.parametrize('kind', [IoUMetric, VideoIoUMetric])
@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (dict(ignor_index=0), TypeError, 'ignor_index'),
        (dict(collect_dir='folder'), TypeError, 'collect_dir'),
        (dict(iou_metrics=['mIou']), ValueError, r"iou_metrics must be of \['mIoU', 'mDice', 'mFscore'\]"),
        (dict(iou_metrics=[]), ValueError, 'one or more'),
        (dict(format_only=True), ValueError, 'output_dir'),
    ],
)
def test_arguments_that_would_be_ignored_or_fail_at_the_end(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        kind(**arguments)
