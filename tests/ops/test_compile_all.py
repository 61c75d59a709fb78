"""Every op of the package, compiled as one graph: with fixed sizes, and with sizes that may change."""

import pytest
import torch

from mmvidext import ops

MAP = (2, 8, 8, 8)
KERNEL = ops.ProjectedKernel(torch.randn(2, 4, 8, 8), torch.randn(6 * 8, 4, 1, 1), torch.randn(6 * 8))
FIELD = dict(num_samples=3, sample_stride=2)
CALLS = {
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
    'temporal_interlace': lambda x: ops.temporal_interlace(x, x[:1, :4, 0, 0], torch.ones(1, 2, 4), 2),
    'temporal_shift': lambda x: ops.temporal_shift(x, 2),
    'temporal_shift_step': lambda x: ops.temporal_shift_step(x, x[:, :1] * 2),
}


def test_no_op_is_left_out():
    assert {name.split(',')[0] for name in CALLS} == set(ops.__all__) - {'ProjectedKernel'}


@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('name', CALLS)
def test_compiles_without_graph_break(name, dynamic):
    torch._dynamo.reset()
    call, x = CALLS[name], torch.randn(MAP)
    compiled = torch.compile(call, fullgraph=True, backend='eager', dynamic=dynamic)
    torch.testing.assert_close(compiled(x), call(x))
