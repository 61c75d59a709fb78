"""Every op of the package, compiled as one graph: with fixed sizes, and with sizes that may change."""

import pytest
import torch

from mmvidext import ops

MAP = (2, 8, 8, 8)
KERNEL = ops.ProjectedKernel(torch.randn(2, 4, 8, 8), torch.randn(6 * 8, 4, 1, 1), torch.randn(6 * 8))
FIELD = dict(num_samples=3, sample_stride=2)
CALLS = {
    'bbox_overlaps': lambda x: ops.bbox_overlaps(x[0, 0, :, :4], x[0, 1, :, :4]),
    'carafe': lambda x: ops.carafe(x, x[:, :1].repeat(1, 9, 2, 2), kernel_size=3, scale_factor=2),
    'deform_conv2d': lambda x: ops.deform_conv2d(
        x, x.repeat(1, 9, 1, 1)[:, :18], torch.ones(2, 8, 3, 3), padding=(1, 1)
    ),
    'dynamic_filter': lambda x: ops.dynamic_filter(
        x, *(torch.ones(len(x), c, 8, 8) for c in (54, 48, 9, 9)), kernel_size=3, **FIELD
    ),
    'dynamic_filter, projected': lambda x: ops.dynamic_filter(
        x, torch.ones(2, 54, 8, 8), KERNEL, *(torch.ones(2, 9, 8, 8) for _ in range(2)), kernel_size=3, **FIELD
    ),
    'flow_color_wheel': lambda x: ops.flow_color_wheel(9) + x[0, 0, 0, 0],
    'flow_to_image': lambda x: ops.flow_to_image(x[:, :2]),
    'flow_warp': lambda x: ops.flow_warp(x, x[:, :2]),
    'kernel_soft_argmax': lambda x: ops.kernel_soft_argmax(x.unsqueeze(1)[:, :, :5].expand(-1, 5, -1, -1, -1)),
    'local_correlation': lambda x: ops.local_correlation(x, x * 2, 2),
    'local_correlation, patches': lambda x: ops.local_correlation(x, x * 2, 2, kernel_size=3, stride=2, padding=1),
    'pool_samples': lambda x: ops.pool_samples(x, torch.ones(len(x), 9, 8, 8), **FIELD),
    'ps_roi_pool': lambda x: ops.ps_roi_pool(x, torch.tensor([[0.0, 1, 2, 6, 7]]), 2),
    'roi_align': lambda x: ops.roi_align(x, torch.tensor([[0.0, 1, 2, 6, 7]]), (2, 3), sampling_ratio=2),
    'sigmoid_focal_loss': lambda x: ops.sigmoid_focal_loss(x[0, 0], torch.arange(8)),
    'temporal_interlace': lambda x: ops.temporal_interlace(x, x[:1, :4, 0, 0], torch.ones(1, 2, 4), 2),
    'temporal_shift': lambda x: ops.temporal_shift(x, 2),
    'temporal_shift_step': lambda x: ops.temporal_shift_step(x, x[:, :1] * 2),
}
# how much they return, or compute, is decided by values: nothing to put into one graph
DECIDED_BY_VALUES = {'masked_conv2d', 'nms', 'nms_match', 'soft_nms'}


def test_no_op_is_left_out():
    assert {name.split(',')[0] for name in CALLS} == set(ops.__all__) - {'ProjectedKernel'} - DECIDED_BY_VALUES


class Warp(torch.nn.Module):
    def forward(self, x, flow):
        return ops.flow_warp(x, flow)


class Filter(torch.nn.Module):
    def forward(self, x, spatial, channel, attention):
        return ops.dynamic_filter(x, spatial, channel, attention, attention, kernel_size=3, **FIELD)


def deform(x, offset):
    return ops.deform_conv2d(x, offset, torch.ones(2, 4, 3, 3), padding=(1, 1), backend='torch')


def draw(num, height, width, *channels):
    return tuple(torch.randn(num, count, height, width) for count in channels)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore::DeprecationWarning')
@pytest.mark.parametrize(('call', 'channels'), [(Warp(), (4, 2)), (deform, (4, 36)), (Filter(), (4, 18, 8, 9))])
def test_traced_at_one_size_runs_at_another(call, channels):
    """Across powers of two, up to which maps are filled for the sampling."""
    traced = torch.jit.trace(call, draw(2, 5, 6, *channels), check_trace=False)
    for size in [(3, 9, 17), (4, 8, 8)]:
        inputs = draw(*size, *channels)
        torch.testing.assert_close(traced(*inputs), call(*inputs))


@pytest.mark.parametrize(('call', 'channels'), [(Warp(), (4, 2)), (Filter(), (4, 18, 8, 9))])
def test_exported_at_one_width_runs_at_another(call, channels):
    dynamic = tuple({3: torch.export.Dim.AUTO} for _ in channels)  # of one axis: each takes seconds
    exported = torch.export.export(call, draw(2, 5, 6, *channels), dynamic_shapes=dynamic).module()
    for width in (17, 8):
        inputs = draw(2, 5, width, *channels)
        torch.testing.assert_close(exported(*inputs), call(*inputs))


@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('name', CALLS)
def test_compiles_without_graph_break(name, dynamic):
    torch._dynamo.reset()
    call, x = CALLS[name], torch.randn(MAP)
    compiled = torch.compile(call, fullgraph=True, backend='eager', dynamic=dynamic)
    torch.testing.assert_close(compiled(x), call(x))
