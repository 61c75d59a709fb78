"""Overlap and suppression of boxes against loops; ties, boxes without an area, huge ones, none."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import bbox_overlaps, nms, nms_match, soft_nms
from tests.oracles import boxes as oracle

HALF = [torch.float16, torch.bfloat16]


def make_boxes(num, size=40.0, dtype=torch.float64):
    low = torch.rand(num, 2, dtype=dtype) * size
    return torch.cat((low, low + torch.rand(num, 2, dtype=dtype) ** 2 * size), dim=1)


def odd_boxes():
    """Equal boxes, points, lines, one turned over, and huge ones."""
    small = [[0, 0, 9, 9], [0, 0, 9, 9], [3, 3, 3, 3], [3, 3, 3, 3], [0, 5, 9, 5], [7, 7, 2, 2]]
    huge = [[-1e6, -1e6, 1e6, 1e6], [-1e6, -1e6, 1e6, 1.1e6]]
    return torch.tensor([*small, *huge], dtype=torch.float64)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('mode', ['iou', 'iof'])
def test_overlaps_equal_the_loop(mode, offset):
    one, two = torch.cat((make_boxes(7), odd_boxes())), torch.cat((odd_boxes(), make_boxes(5)))
    table = [[oracle.overlap(a, b, offset, mode) for b in two.tolist()] for a in one.tolist()]
    expected = torch.tensor(table, dtype=torch.float64)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        result = bbox_overlaps(one.to(dtype), two.to(dtype), mode=mode, offset=offset)
        torch.testing.assert_close(
            result, expected.to(dtype), equal_nan=True, atol=tolerance, rtol=tolerance, check_dtype=True
        )
    paired = bbox_overlaps(one, one.flip(0), mode=mode, offset=offset, aligned=True)
    everything = bbox_overlaps(one, one.flip(0), mode=mode, offset=offset)
    torch.testing.assert_close(paired, everything.diagonal(), equal_nan=True, atol=0, rtol=0)


def test_overlaps_of_none_and_their_gradient():
    assert bbox_overlaps(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)
    assert bbox_overlaps(torch.zeros(3, 4), torch.zeros(0, 4)).shape == (3, 0)
    assert bbox_overlaps(torch.zeros(0, 4), torch.zeros(0, 4), aligned=True).shape == (0,)
    assert gradcheck(bbox_overlaps, (make_boxes(3).requires_grad_(), make_boxes(2).requires_grad_()))


@pytest.mark.parametrize('dtype', [*HALF, torch.int32, torch.uint8])
def test_areas_are_formed_in_float32(dtype):
    boxes = torch.tensor([[0, 0, 255, 250], [0, 0, 250, 254], [10, 20, 250, 254]]).to(dtype)
    boxes = boxes * 200 if dtype == torch.int32 else boxes  # whose areas are beyond int32
    expected = bbox_overlaps(boxes.double(), boxes.double(), offset=1)
    for other in (boxes, boxes.flip(0)):
        result = bbox_overlaps(boxes, other, offset=1)
        assert result.dtype == (dtype if dtype.is_floating_point else torch.float32)
        torch.testing.assert_close(result.double(), expected, atol=2**-8 if dtype == torch.bfloat16 else 2**-11, rtol=0)
        expected = expected.flip(1)
    paired = bbox_overlaps(boxes, boxes.flip(0), aligned=True)
    assert torch.equal(paired, bbox_overlaps(boxes, boxes.flip(0)).diagonal())


def test_overlap_errors():
    boxes = torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r'boxes1 must be \(K, 4\), x1, y1, x2, y2, but the shape is \(2, 5\)'):
        bbox_overlaps(torch.zeros(2, 5), boxes)
    with pytest.raises(ValueError, match="mode must be 'iou' or 'iof', not 'giou'"):
        bbox_overlaps(boxes, boxes, mode='giou')
    with pytest.raises(ValueError, match='offset must be 0 or 1, but is 2'):
        bbox_overlaps(boxes, boxes, offset=2)
    with pytest.raises(ValueError, match='boxes1 are 2 and boxes2 1'):
        bbox_overlaps(boxes, boxes[:1], aligned=True)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.7])
def test_nms_equals_the_loop(threshold, offset, backend):
    boxes, scores = make_boxes(600), torch.rand(600, dtype=torch.float64)  # more than are decided at once
    expected = oracle.nms(boxes, scores, threshold, offset)
    assert nms(boxes, scores, iou_threshold=threshold, offset=offset, backend=backend).tolist() == expected
    assert 1 < len(expected) < 600


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_nms_takes_no_other_offset(backend):
    with pytest.raises(ValueError, match='offset must be 0 or 1, but is 2'):
        nms(torch.zeros(0, 4), torch.zeros(0), iou_threshold=0.5, offset=2, backend=backend)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_nms_of_equal_scores_and_odd_boxes(backend):
    boxes = torch.cat((odd_boxes(), odd_boxes(), make_boxes(20)))
    scores = torch.randint(0, 3, (len(boxes),)).double() / 4
    for threshold in (0.0, 0.5):
        expected = oracle.nms(boxes, scores, threshold)
        assert nms(boxes, scores, iou_threshold=threshold, backend=backend).tolist() == expected


def test_a_chain_of_suppressions_is_followed_to_its_end():
    """Each box overlaps the next one only, so every second one stays: the longest way to decide a block."""
    left = torch.arange(600.0) * 6
    boxes = torch.stack((left, torch.zeros(600), left + 10, torch.ones(600)), dim=1)
    scores = torch.linspace(1, 0, 600)
    assert nms(boxes, scores, iou_threshold=0.2, backend='torch').tolist() == list(range(0, 600, 2))


@pytest.mark.parametrize('dtype', HALF)
def test_half_precision_is_computed_in_float32(dtype):
    boxes, scores = make_boxes(50).to(dtype), torch.rand(50).to(dtype)
    kept = nms(boxes, scores, iou_threshold=0.5)
    assert torch.equal(kept, nms(boxes.float(), scores.float(), iou_threshold=0.5))
    groups = nms_match(boxes, scores, iou_threshold=0.5)
    assert [one.tolist() for one in groups] == oracle.nms_match(boxes.float(), scores.float(), 0.5)
    detections, indices = soft_nms(boxes, scores)
    assert detections.dtype == dtype
    assert torch.equal(indices, soft_nms(boxes.float(), scores.float())[1])


def test_nothing_in_nothing_out():
    boxes, scores = torch.zeros(0, 4), torch.zeros(0)
    assert nms(boxes, scores, iou_threshold=0.5, backend='torch').tolist() == []
    assert nms(boxes, scores, iou_threshold=0.5).dtype == torch.int64
    assert nms_match(boxes, scores, iou_threshold=0.5) == []
    detections, indices = soft_nms(boxes, scores)
    assert (detections.shape, indices.shape, indices.dtype) == ((0, 5), (0,), torch.int64)


@pytest.mark.parametrize('threshold', [0.2, 0.5])
def test_groups_equal_the_loop(threshold):
    boxes, scores = torch.cat((make_boxes(60), odd_boxes())), torch.rand(68, dtype=torch.float64)
    groups = [one.tolist() for one in nms_match(boxes, scores, iou_threshold=threshold)]
    assert groups == oracle.nms_match(boxes, scores, threshold)
    assert sorted(index for group in groups for index in group) == list(range(68))


def test_an_overlap_of_the_threshold_joins_a_group_but_is_kept_by_nms():
    boxes = torch.tensor([[0.0, 0, 2, 1], [0, 0, 1, 1]])
    assert len(nms_match(boxes, torch.tensor([0.9, 0.8]), iou_threshold=0.5)) == 1
    assert len(nms(boxes, torch.tensor([0.9, 0.8]), iou_threshold=0.5)) == 2


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_equals_the_loop(method, offset):
    boxes = torch.cat((make_boxes(50), odd_boxes()))
    scores = torch.rand(58, dtype=torch.float64)
    scores[1] = scores[0]
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        detections, indices = soft_nms(boxes.to(dtype), scores.to(dtype), method=method, min_score=0.05, offset=offset)
        picked, new_scores = oracle.soft_nms(boxes, scores, 0.3, 0.5, 0.05, method, offset)
        assert indices.tolist() == picked
        expected = torch.tensor(new_scores, dtype=dtype)
        torch.testing.assert_close(detections[:, 4], expected, atol=tolerance, rtol=tolerance)
        assert torch.equal(detections[:, :4], boxes.to(dtype)[indices])
    assert 1 < len(picked) < 58


def test_soft_nms_of_whole_numbers_keeps_the_scores():
    boxes, scores = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]]), torch.tensor([0.9, 0.8, 0.3])
    found, expected = soft_nms(boxes, scores)[0], soft_nms(boxes.float(), scores)[0]
    assert torch.equal(found, expected)
    assert soft_nms(boxes[:0], scores[:0])[0].dtype == torch.float32


def test_the_best_box_stays_whatever_its_score():
    detections, _ = soft_nms(torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6]]), torch.tensor([1e-4, 1e-5]))
    assert detections[:, 4].tolist() == [pytest.approx(1e-4)]


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_a_score_that_is_nan_suppresses_nothing(backend):
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [20, 20, 30, 30]])
    scores = torch.tensor([0.5, math.nan, 0.1])
    assert nms(boxes, scores, iou_threshold=0.5, backend=backend).tolist() == [0, 2]
    assert [group.tolist() for group in nms_match(boxes, scores, iou_threshold=0.5)] == [[0, 1], [2]]
    assert soft_nms(boxes, scores)[1].tolist() == [0, 2]


@pytest.mark.parametrize('dtype', [torch.int64, torch.float64])
@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_scores_that_float32_cannot_tell_apart(backend, dtype):
    boxes, scores = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9]]), torch.tensor([2**24, 2**24 + 1], dtype=dtype)
    assert nms(boxes, scores, iou_threshold=0.5, backend=backend).tolist() == [1]
    assert [group.tolist() for group in nms_match(boxes, scores, iou_threshold=0.5)] == [[1, 0]]
    assert soft_nms(boxes, scores)[1].tolist() == [1, 0]


def test_suppression_errors():
    boxes, scores = torch.zeros(2, 4), torch.zeros(3)
    for call in (
        lambda: nms(boxes, scores, iou_threshold=0.5),
        lambda: nms_match(boxes, scores, iou_threshold=0.5),
        lambda: soft_nms(boxes, scores),
    ):
        with pytest.raises(ValueError, match=r'scores must be \(2,\), one for each box, but the shape is \(3,\)'):
            call()
    with pytest.raises(ValueError, match=r"method must be one of .*, not 'hard'"):
        soft_nms(boxes, scores[:2], method='hard')
    with pytest.raises(ValueError, match=r'sigma must be between .* but is nan'):
        soft_nms(boxes, scores[:2], sigma=math.nan)
    for call in (
        lambda: nms(boxes, scores[:2], iou_threshold=math.nan),
        lambda: nms_match(boxes, scores[:2], iou_threshold=math.nan),
        lambda: soft_nms(boxes, scores[:2], iou_threshold=math.nan),
    ):
        with pytest.raises(ValueError, match='iou_threshold must be a number, but is nan'):
            call()
    with pytest.raises(ValueError, match='min_score must be a number, but is nan'):
        soft_nms(boxes, scores[:2], min_score=math.nan)
    with pytest.raises(ValueError, match=r"backend must be one of .*, but is 'mmcv'"):
        nms(boxes, scores[:2], iou_threshold=0.5, backend='mmcv')
