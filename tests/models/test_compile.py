"""Every model compiles as one graph with sizes that may change; with fixed sizes see the tests of each."""

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvidext.registry import MODELS
from tests.models.backbones.test_all_backbones import CASES as BACKBONES
from tests.models.backbones.test_all_backbones import SHORT
from tests.models.segmentors.tiny import fcn


def backbone(name):
    arguments, shape, _ = BACKBONES[name]
    return MODELS.build(dict(type=f'mmvidext.{name}', **arguments, **SHORT.get(name, {}))), (torch.randn(shape),)


def flow_network(name):
    images = torch.randn(1, 3, 64, 96), torch.randn(1, 3, 64, 96)
    return MODELS.build(dict(type=f'mmvidext.{name}', width=0.0625)), images


def neck(name):
    maps = (torch.randn(1, 16, 20, 24),)
    return MODELS.build(dict(type=f'mmvidext.{name}', in_channels=16, feature_channels=16)), (maps,)


class KeyFrame(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, frame):
        return self.model.decode(self.model.encode_key_frame(frame).maps)


class Step(KeyFrame):
    def forward(self, key_frame, frame):
        key = self.model.encode_key_frame(key_frame)
        return self.model.propagate(key, self.model.estimate_motion(frame, key))


def deep_feature_flow(name):
    init_default_scope('mmseg')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model = MODELS.build(dict(type='mmvidext.DeepFeatureFlow', segmentor=fcn(), flow_net=flow_net))
    part, frames = (KeyFrame, 1) if name == 'key frame' else (Step, 2)
    return part(model), tuple(torch.randn(1, 3, 64, 128) for _ in range(frames))


CASES = {
    **dict.fromkeys(BACKBONES, backbone),
    **dict.fromkeys(('FlowNetC', 'FlowNetS'), flow_network),
    **dict.fromkeys(('LSDFNNeck', 'DFNNeck'), neck),
    **dict.fromkeys(('key frame', 'step'), deep_feature_flow),
}


@pytest.mark.parametrize('name', CASES)
def test_compiles_as_one_graph_for_any_size(name):
    torch._dynamo.reset()
    model, inputs = CASES[name](name)
    model.eval()
    compiled = torch.compile(model, fullgraph=True, backend='eager', dynamic=True)
    with torch.inference_mode():
        torch.testing.assert_close(compiled(*inputs), model(*inputs))
