"""The exported graphs of flow and video segmentation compute what torch computes."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmvidext.apis.onnx_video import FlowStep, export_flow_network, export_video_segmentor
from mmvidext.registry import MODELS

onnxruntime = pytest.importorskip('onnxruntime')
onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')


def run(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


@pytest.mark.parametrize('kind', ['FlowNetS', 'FlowNetC'])
def test_flow_network(kind, tmp_path):
    model = MODELS.build(
        dict(type='mmvidext.FlowEstimator', flow_net=dict(type=f'mmvidext.{kind}', width=0.125))
    ).eval()
    assert export_flow_network(model, tmp_path / 'flow.onnx', height=64, width=96) == ('first', 'second')
    images = torch.rand(2, 1, 3, 64, 96) * 255
    with torch.no_grad():
        expected = FlowStep(model)(*images)
    (found,) = run(tmp_path / 'flow.onnx', [image.numpy() for image in images])
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-3 * expected.abs().max().item())


@pytest.mark.parametrize(('propagate', 'num_maps'), [('feature', 1), ('backbone', 1), ('logits', 1)])
def test_video_segmentor(propagate, num_maps, tmp_path):
    pytest.importorskip('mmseg')
    from mmvidext.models.segmentors import DeepFeatureFlow
    from tests.models.segmentors.tiny import fcn

    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = DeepFeatureFlow(fcn(), dict(type='mmvidext.FlowNetS', width=0.0625), propagate=propagate).eval()
    for conv in model.feature_flow.scale_convs:
        torch.nn.init.normal_(conv.weight)
    key_file, propagated_file = export_video_segmentor(model, tmp_path / 'new', height=36, width=64, opset=20)
    assert onnx.load(key_file).opset_import[0].version == 20
    frames = torch.randint(0, 256, (1, 2, 3, 36, 64), dtype=torch.uint8)  # RGB
    clips = model.data_preprocessor({'inputs': list(frames.flip(2))})['inputs']  # which are loaded as BGR
    with torch.no_grad():
        expected = [
            torch.stack([sample.seg_logits.data for sample in model.predict(clips[:, :length])]) for length in (1, 2)
        ]
    logits, *state = run(key_file, [frames[:, 0].float().numpy()])
    assert len(state) == 1 + num_maps
    np.testing.assert_allclose(logits, expected[0].numpy(), rtol=1e-3, atol=1e-4)
    (logits,) = run(propagated_file, [frames[:, 1].float().numpy(), *state])
    np.testing.assert_allclose(logits, expected[1].numpy(), rtol=1e-3, atol=1e-4)
