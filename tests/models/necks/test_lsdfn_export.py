"""A segmentor of mmseg with the neck runs in ONNX Runtime, and gives the same."""

import pytest
import torch

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
pytest.importorskip('mmseg')

import onnxruntime
from mmengine.registry import init_default_scope

from mmvidext.registry import MODELS


def test_export_matches(tmp_path):
    init_default_scope('mmseg')
    neck = dict(
        type='mmvidext.LSDFNNeck', in_channels=64, dynamic_channels=3, num_samples=3, post_channels=6,
        feature_channels=8, kernel_channels=8, kernel_std=1.0,
    )  # fmt: skip
    model = MODELS.build(
        dict(
            type='mmseg.EncoderDecoder',
            backbone=dict(type='mmseg.ResNet', depth=18, base_channels=8, strides=(1, 2, 1, 1)),
            neck=neck,
            decode_head=dict(type='mmseg.FCNHead', in_channels=70, channels=8, num_convs=1, num_classes=3),
            test_cfg=dict(mode='whole'),
        )
    ).eval()
    inputs = torch.randn(2, 3, 32, 40)
    path = tmp_path / 'model.onnx'
    torch.onnx.export(model, (inputs,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    (exported,) = session.run(None, {session.get_inputs()[0].name: inputs.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(exported), model(inputs), atol=1e-4, rtol=1e-4)
