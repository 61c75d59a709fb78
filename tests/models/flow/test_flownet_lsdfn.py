"""LS-DFN inside the FlowNets."""

import pytest
import torch

from mmvidext.layers import DynamicFilter
from mmvidext.models.flow import FlowNetC, FlowNetS

FILTER = dict(
    type='mmvidext.DynamicFilter', out_channels=6, dynamic_channels=3, num_samples=3, sample_stride=2,
    feature_channels=8, kernel_channels=4,
)  # fmt: skip


@pytest.mark.parametrize('flow_net', [FlowNetS, FlowNetC])
def test_dynamic_features_join_level_3_and_its_skip(flow_net):
    net, plain = flow_net(width=0.0625, dynamic_filter=FILTER), flow_net(width=0.0625)
    assert isinstance(net.dynamic_filter, DynamicFilter)
    assert net.conv3_1.in_channels == plain.conv3_1.in_channels + 6
    assert net.decoder.predict_flow['3'].in_channels == plain.decoder.predict_flow['3'].in_channels + 6
    images = torch.randn(2, 1, 3, 64, 96)
    assert [flow.shape for flow in net(*images)] == [flow.shape for flow in plain(*images)]


@pytest.mark.parametrize('flow_net', [FlowNetS, FlowNetC])
def test_every_parameter_receives_a_gradient_at_initialization(flow_net):
    net = flow_net(width=0.0625, dynamic_filter=FILTER)
    net.init_weights()
    sum(flow.square().sum() for flow in net(*torch.randn(2, 1, 3, 64, 96))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_initialization_of_the_network_leaves_the_kernels_small():
    net = FlowNetS(width=0.0625, dynamic_filter=FILTER)
    net.init_weights()
    assert net.dynamic_filter.channel_kernel.weight.std() < 0.1
    assert net.conv3.weight.std() > 0.05
