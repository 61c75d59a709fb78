"""The exported graphs compute what torch computes, at a batch size that they were not exported with."""

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

from mmvidext.apis.onnx_export import ClipClassifier, OnlineClassifier, export_recognizer

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')

STATISTICS = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def recognizer(kind, backbone, channels, segments=4, neck=None):
    from mmaction.registry import MODELS

    head = dict(type='I3DHead', num_classes=5, in_channels=channels, dropout_ratio=0.5, init_std=1.0)
    if kind == 'Recognizer2D':
        head |= dict(type='TSMHead', num_segments=segments, consensus=dict(type='AvgConsensus', dim=1))
    shape = 'NCHW' if kind == 'Recognizer2D' else 'NCTHW'
    preprocessor = dict(type='ActionDataPreprocessor', format_shape=shape, **STATISTICS)
    with DefaultScope.overwrite_default_scope('mmaction'):
        config = dict(type=kind, backbone=backbone, cls_head=head, data_preprocessor=preprocessor)
        model = MODELS.build(config if neck is None else dict(config, neck=neck))
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    return model.eval()


def run(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_inputs()]
    return session.run(None, {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)})


def assert_close(found, expected):
    assert torch.allclose(torch.from_numpy(found), expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


@pytest.mark.parametrize(
    ('kind', 'backbone', 'channels'),
    [
        ('Recognizer2D', dict(type='mmvidext.TSMResNet', depth=18, num_segments=4), 512),
        (
            'Recognizer2D',
            dict(type='mmvidext.MSResNet', depth=18, num_segments=4, motion_squeeze=dict(max_displacement=3)),
            512,
        ),
        ('Recognizer3D', dict(type='mmvidext.VideoResNet', arch='r2plus1d', depth=18, base_channels=8), 64),
    ],
    ids=['tsm', 'ms_tsm', 'r2plus1d'],
)
def test_clips(kind, backbone, channels, tmp_path):
    model = recognizer(kind, backbone, channels)
    frames = 4 if kind == 'Recognizer2D' else 8
    names = export_recognizer(model, tmp_path / 'a.onnx', num_frames=frames, height=32, width=48)
    assert names == ('clips',)
    shape = (3, frames, 3, 32, 48) if kind == 'Recognizer2D' else (3, 3, frames, 32, 48)
    clips = torch.rand(shape) * 255
    with torch.no_grad():
        expected = ClipClassifier(model)(clips)
    assert expected.shape == (3, 5)
    assert_close(run(tmp_path / 'a.onnx', [clips])[0], expected)


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        (dict(type='mmvidext.TSMResNet', depth=18, num_segments=4, causal=True), 512),
        (dict(type='mmvidext.MobileNetV2TSM', num_segments=4, causal=True), 1280),
    ],
    ids=['resnet', 'mobilenet'],
)
def test_online(backbone, channels, tmp_path):
    model = recognizer('Recognizer2D', backbone, channels)
    names = export_recognizer(model, tmp_path / 'a.onnx', num_frames=4, height=32, width=48, online=True)
    state = model.backbone.initial_state(3, 32, 48)
    assert names == ('frame', *(f'state_{index}' for index in range(len(state))))
    ours, graph = state, [tensor.clone() for tensor in state]
    for _ in range(3):
        frame = torch.rand(3, 3, 32, 48) * 255
        with torch.no_grad():
            expected, *ours = OnlineClassifier(model)(frame, tuple(ours))
        logits, *graph = run(tmp_path / 'a.onnx', [frame, *graph])
        assert_close(logits, expected)
        graph = [torch.from_numpy(array) for array in graph]


def test_a_preprocessor_that_swaps_red_and_blue():
    model = recognizer('Recognizer2D', dict(type='mmvidext.TSMResNet', depth=18, num_segments=4, causal=True), 512)
    clip = torch.rand(4, 3, 32, 48) * 255
    state = model.backbone.initial_state(1, 32, 48)
    with torch.no_grad():
        expected = ClipClassifier(model)(clip.flip(1)[None])
        expected_online, *_ = OnlineClassifier(model)(clip[:1].flip(1), state)
        model.data_preprocessor.to_rgb = True
        assert torch.equal(ClipClassifier(model)(clip[None]), expected)
        assert torch.equal(OnlineClassifier(model)(clip[:1], state)[0], expected_online)
        prepared = model.data_preprocessor.preprocess([clip], None)[0]
        features, arguments = model.extract_feat(prepared)
        assert_close(expected.numpy(), model.cls_head(features, **arguments))


def test_only_causal_models_are_exported_frame_by_frame(tmp_path):
    model = recognizer('Recognizer2D', dict(type='mmvidext.TSMResNet', depth=18, num_segments=4), 512)
    with pytest.raises(ValueError, match='only a model with causal=True'):
        export_recognizer(model, tmp_path / 'a.onnx', num_frames=4, height=32, width=32, online=True)


def test_a_neck_is_exported_too(tmp_path):
    neck = dict(
        type='mmvidext.LSDFNNeck',
        in_channels=512,
        dynamic_channels=4,
        num_samples=3,
        post_channels=4,
        feature_channels=8,
        kernel_channels=8,
    )
    backbone = dict(type='mmvidext.TSMResNet', depth=18, num_segments=4, out_indices=(2, 3))
    model = recognizer('Recognizer2D', backbone, 516, neck=neck)
    export_recognizer(model, tmp_path / 'a.onnx', num_frames=4, height=32, width=48, opset=20)
    clips = torch.rand(1, 4, 3, 32, 48) * 255
    with torch.no_grad():
        expected = model.predict(
            (clips - torch.tensor(STATISTICS['mean']).view(3, 1, 1)) / torch.tensor(STATISTICS['std']).view(3, 1, 1),
            [ActionDataSample() for _ in clips],
        )
    found = run(tmp_path / 'a.onnx', [clips])[0]
    assert_close(found, torch.stack([sample.pred_score for sample in expected]))
