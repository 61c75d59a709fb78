"""Our ops against torchvision's compiled ones, where these load; and what happens where they do not."""

import pytest
import torch

from mmvidext.ops import backends, deform_conv2d, nms, ps_roi_pool, roi_align

PROBLEM = backends.torchvision_problem()
needs_torchvision = pytest.mark.skipif(PROBLEM is not None, reason=str(PROBLEM))
BACKENDS = ('torch', 'torchvision')


def make_boxes(num, size):
    low = torch.rand(num, 2, dtype=torch.float64) * size
    return torch.cat((low, low + torch.rand(num, 2, dtype=torch.float64) ** 2 * size), dim=1)


@needs_torchvision
@pytest.mark.parametrize('offset', [0, 1])
def test_nms(offset):
    boxes = torch.cat((make_boxes(700, 60.0), torch.ones(5, 4)))
    scores = torch.randint(0, 50, (705,)) / 50  # with ties
    ours, theirs = (nms(boxes, scores, iou_threshold=0.4, offset=offset, backend=name) for name in BACKENDS)
    assert torch.equal(ours, theirs)


@needs_torchvision
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align(sampling_ratio, aligned):
    rois = torch.cat((torch.randint(0, 2, (40, 1)), make_boxes(40, 50.0) - 8), dim=1)
    results = []
    for backend in BACKENDS:
        feature = torch.linspace(-1, 1, 2 * 3 * 9 * 11, dtype=torch.float64).sin().view(2, 3, 9, 11).requires_grad_()
        settings = dict(spatial_scale=0.25, sampling_ratio=sampling_ratio, aligned=aligned)
        pooled = roi_align(feature, rois, (3, 2), backend=backend, **settings)
        results.append((pooled, torch.autograd.grad(pooled.square().sum(), feature)[0]))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


@needs_torchvision
def test_deform_conv2d():
    shapes = ((2, 4, 7, 9), (2, 2 * 2 * 9, 4, 9), (6, 2, 3, 3), (2, 2 * 9, 4, 9), (6,))
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    results = []
    for backend in BACKENDS:
        geometry = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
        out = deform_conv2d(*inputs[:3], mask=inputs[3], bias=inputs[4], backend=backend, **geometry)
        results.append((out, *torch.autograd.grad(out.square().sum(), inputs)))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


@needs_torchvision
def test_ps_roi_pool_is_not_the_one_of_torchvision():
    """It rounds otherwise: the same box covers other pixels."""
    feature, rois = torch.rand(1, 4, 8, 8), torch.tensor([[0.0, 1, 1, 5, 5]])
    theirs = torch.ops.torchvision.ps_roi_pool(feature, rois, 1.0, 2, 2)[0]
    assert not torch.allclose(ps_roi_pool(feature, rois, 2), theirs)


def test_without_torchvision(monkeypatch):
    boxes, scores = make_boxes(5, 10.0), torch.rand(5)
    monkeypatch.setattr(backends, 'torchvision_problem', lambda: 'torchvision is not installed')
    assert len(nms(boxes, scores, iou_threshold=0.5)) > 0
    with pytest.raises(ImportError, match=r"backend 'torchvision': torchvision is not installed\. backend='torch'"):
        nms(boxes, scores, iou_threshold=0.5, backend='torchvision')


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (ImportError('no'), 'torchvision is not installed'),
        (
            RuntimeError('operator torchvision::nms does not exist'),
            'torchvision does not load with this torch (operator',
        ),
    ],
)
def test_a_torchvision_that_cannot_be_imported_is_not_used(monkeypatch, error, message):
    def fail(name):
        raise error

    monkeypatch.setattr(backends.importlib, 'import_module', fail)
    assert message in backends.torchvision_problem.__wrapped__()
