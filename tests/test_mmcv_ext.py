"""mmcv's own wrappers, with mmcv-lite, on our ops: values and gradients are those of the ops themselves."""

import mmcv.ops
import pytest
import torch

from mmvidext import ops
from mmvidext.compat import apply_fixes
from mmvidext.mmcv_ext import OPS

if 'mmcv._ext' not in apply_fixes():
    pytest.skip('this mmcv has compiled ops of its own', allow_module_level=True)

BOXES = torch.tensor([[0.0, 0, 9, 9], [1, 0, 10, 9], [1, 1, 9, 8], [20, 20, 30, 30]])
SCORES = torch.tensor([0.5, 0.9, 0.7, 0.3])
ROIS = torch.tensor([[0.0, 1, 2, 20, 17], [1, 5, 5, 30, 30]])


def leaves(*shapes):
    return [torch.randn(shape, requires_grad=True) for shape in shapes]


def gradients(out, inputs):
    torch.manual_seed(1)
    return torch.autograd.grad(out, inputs, torch.randn_like(out))


def check(theirs, ours, inputs):
    """Compare two functions of the same inputs, and their gradients."""
    out, expected = theirs(*inputs), ours(*inputs)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradients(out, inputs), gradients(expected, inputs))


def test_the_module_has_a_real_spec_and_the_other_ops_raise_by_name():
    from mmcv import _ext
    from mmcv.utils.ext_loader import check_ops_exist

    assert _ext.__spec__.name == 'mmcv._ext'
    assert _ext.__spec__.loader is not None
    assert check_ops_exist()
    assert all(getattr(_ext, name) is op for name, op in OPS.items())
    with pytest.raises(RuntimeError, match="mmcv's compiled op 'nms_rotated' is not available: mmcv-lite"):
        mmcv.ops.nms_rotated(torch.rand(2, 5), torch.rand(2), 0.5)


def test_boxes():
    detections, kept = mmcv.ops.nms(BOXES, SCORES, 0.5, score_threshold=0.4)
    assert kept.tolist() == [1]
    torch.testing.assert_close(detections, torch.cat((BOXES[1:2], SCORES[1:2, None]), dim=1))
    settings = dict(type='nms', iou_threshold=0.5)
    assert mmcv.ops.batched_nms(BOXES, SCORES, torch.tensor([0, 0, 1, 0]), settings)[1].tolist() == [1, 2, 3]
    for method in ('naive', 'linear', 'gaussian'):
        detections, indices = mmcv.ops.soft_nms(BOXES, SCORES, 0.4, method=method, min_score=0.1)
        expected = ops.soft_nms(BOXES, SCORES, iou_threshold=0.4, method=method, min_score=0.1)
        assert torch.equal(detections, expected[0])
        assert torch.equal(indices, expected[1])
    groups = mmcv.ops.nms_match(torch.cat((BOXES, SCORES.unsqueeze(1)), dim=1), 0.5)
    assert [group.tolist() for group in groups] == [[1, 2, 0], [3]]
    for mode in ('iou', 'iof'):
        for settings in (dict(aligned=True), dict(offset=1)):
            result = mmcv.ops.bbox_overlaps(BOXES, BOXES.flip(0), mode=mode, **settings)
            assert torch.equal(result, ops.bbox_overlaps(BOXES, BOXES.flip(0), mode=mode, **settings))


@pytest.mark.parametrize('aligned', [True, False])
def test_roi_align(aligned):
    check(
        lambda x: mmcv.ops.roi_align(x, ROIS, (2, 3), 0.25, 2, 'avg', aligned),
        lambda x: ops.roi_align(x, ROIS, (2, 3), spatial_scale=0.25, sampling_ratio=2, aligned=aligned),
        leaves((2, 3, 7, 9)),
    )


def test_deformable_convolution():
    geometry = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    inputs = leaves((2, 4, 6, 7), (2, 36, 3, 7), (6, 2, 3, 3))
    check(
        lambda x, o, w: mmcv.ops.deform_conv2d(x, o, w, *geometry.values(), 2),
        lambda x, o, w: ops.deform_conv2d(x, o, w, **geometry),
        inputs,
    )
    inputs += leaves((2, 18, 3, 7), (6,))
    check(
        lambda x, o, w, m, b: mmcv.ops.modulated_deform_conv2d(x, o, m, w, b, *geometry.values(), 2),
        lambda x, o, w, m, b: ops.deform_conv2d(x, o, w, mask=m, bias=b, **geometry),
        inputs,
    )
    without_bias = mmcv.ops.modulated_deform_conv2d(*inputs[:2], inputs[3], inputs[2], None, *geometry.values(), 2)
    torch.testing.assert_close(without_bias, ops.deform_conv2d(*inputs[:3], mask=inputs[3], **geometry))


@pytest.mark.parametrize('weight', [None, torch.tensor([0.5, 2.0, 3.0])])
def test_focal_loss(weight):
    target = torch.tensor([0, 2, 3, 1])
    check(
        lambda x: mmcv.ops.sigmoid_focal_loss(x, target, 1.5, 0.3, weight, 'sum'),
        lambda x: ops.sigmoid_focal_loss(x, target, gamma=1.5, alpha=0.3, weight=weight).sum(),
        leaves((4, 3)),
    )


def test_carafe():
    check(
        lambda x, k: mmcv.ops.carafe(x, k, 3, 2, 2),
        lambda x, k: ops.carafe(x, k, kernel_size=3, groups=2, scale_factor=2),
        leaves((2, 4, 3, 4), (2, 18, 6, 8)),
    )


def test_masked_convolution():
    feature, weight, bias = torch.randn(1, 3, 5, 6), torch.randn(4, 3, 3, 3), torch.randn(4)
    mask = (torch.rand(1, 5, 6) > 0.5).float()
    out = mmcv.ops.masked_conv.masked_conv2d(feature, mask, weight, bias, 1)
    torch.testing.assert_close(out, ops.masked_conv2d(feature, mask, weight, bias, padding=(1, 1)))


def test_attention_is_that_of_mmcv_on_a_cpu():
    """Models on a CPU do not come here, those on a GPU do."""
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction, multi_scale_deformable_attn_pytorch

    shapes, start = torch.tensor([[4, 5], [2, 3]]), torch.tensor([0, 20])
    check(
        lambda v, p, w: MultiScaleDeformableAttnFunction.apply(v, shapes, start, p, w, 64),
        lambda v, p, w: multi_scale_deformable_attn_pytorch(v, shapes, p, w),
        leaves((2, 26, 2, 3), (2, 5, 2, 2, 3, 2), (2, 5, 2, 2, 3)),
    )


def test_mixed_precision():
    """An offset of half precision makes a convolution one, as mmcv has it."""
    feature, offset, weight = torch.randn(1, 4, 6, 7), torch.zeros(1, 18, 6, 7).half(), torch.randn(2, 4, 3, 3)
    out = mmcv.ops.deform_conv2d(feature, offset, weight, 1, 1)
    assert out.dtype == torch.float16
    torch.testing.assert_close(out.float(), torch.nn.functional.conv2d(feature, weight, padding=1), atol=0.1, rtol=0.02)
