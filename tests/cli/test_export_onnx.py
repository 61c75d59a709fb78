import logging
import re

import pytest
import torch
from mmengine.config import Config

from mmvidext.apis.onnx_graph import write_onnx
from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.cli.export import clip_length, export
from tests.apis.online_config import online_config
from tests.cli.invoke import invoke

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')


def video_config(**backbone):
    config = online_config()
    config.model.merge(
        dict(
            type='Recognizer3D',
            backbone=dict(_delete_=True, type='mmvidext.VideoResNet', depth=18, base_channels=8, **backbone),
            cls_head=dict(_delete_=True, type='I3DHead', num_classes=5, in_channels=64),
            data_preprocessor=dict(format_shape='NCTHW'),
        )
    )
    return config


def test_the_default_length_is_the_one_the_backbone_is_built_for():
    configs = [online_config(), video_config(arch='r2d', clip_len=4), video_config(arch='r3d')]
    assert [clip_length(build_recognizer(config).backbone) for config in configs] == [3, 4, 16]


@pytest.mark.parametrize(
    ('config', 'frames', 'message'),
    [
        (online_config(), 4, 'not a multiple of num_segments=3'),
        (online_config(), 6, 'a clip of 6 frames is 2 clips to this model: export it with 3 frames'),
        (online_config(segments=4), 2, 'not a multiple of num_segments=4'),
        (video_config(arch='r3d'), 4, 'a clip of 4 frames is too short'),
        (video_config(arch='r2d', clip_len=4), 8, 'folds exactly clip_len = 4 frames'),
    ],
    ids=['tsm', 'tsm_twice', 'tsm_half', 'r3d', 'r2d'],
)
def test_a_length_that_does_not_fit_is_one_line(config, frames, message, tmp_path):
    config.dump(tmp_path / 'config.py')
    output = invoke(export, tmp_path / 'config.py', tmp_path / 'a.onnx', '--shape', '32', '--frames', frames, status=1)
    assert output.startswith('Error: ')
    assert message in output
    assert output.count('\n') == 1
    assert not (tmp_path / 'a.onnx').exists()


def neck_config():
    neck = dict(
        type='mmvidext.LSDFNNeck',
        in_channels=512,
        dynamic_channels=4,
        num_samples=3,
        post_channels=4,
        feature_channels=8,
        kernel_channels=8,
    )
    config = online_config()
    config.model.merge(dict(backbone=dict(out_indices=(2, 3)), neck=neck, cls_head=dict(in_channels=516)))
    return config


def flow_config():
    flow_net = dict(type='mmvidext.FlowNetC', width=0.125)
    return Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=flow_net)))


def segmentation_config():
    pytest.importorskip('mmseg')
    from tests.models.segmentors.tiny import fcn

    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model = dict(type='mmvidext.DeepFeatureFlow', segmentor=fcn(), flow_net=flow_net)
    return Config(dict(default_scope='mmseg', model=model))


@pytest.mark.parametrize(
    ('make', 'out', 'graphs'),
    [
        (neck_config, 'clip.onnx', {'clip.onnx': 'clips'}),
        (flow_config, 'flow.onnx', {'flow.onnx': 'first, second'}),
        (
            segmentation_config,
            'dff',
            {'dff/key_frame.onnx': 'frame', 'dff/propagated.onnx': 'frame, flow_frame, map_0'},
        ),
    ],
)
def test_each_kind_of_model_is_checked(make, out, graphs, tmp_path):
    pytest.importorskip('onnxruntime')
    make().dump(tmp_path / 'config.py')
    options = ('--shape', '64x96', '--opset', 20, '--check')
    output = invoke(export, tmp_path / 'config.py', tmp_path / out, *options)
    for path, inputs in graphs.items():
        assert re.search(rf'{path}: .* MiB, inputs {inputs}\n', output)
        assert re.search(rf'{path}: largest relative difference to torch: \d\.\de-\d\d\n', output)
        assert onnx.load(tmp_path / path).opset_import[0].version == 20


@pytest.mark.parametrize(
    ('make', 'out', 'message'),
    [
        (online_config, 'a.txt', 'OUT must end in .onnx, but is '),
        (flow_config, 'a', 'OUT must end in .onnx, but is '),
        (segmentation_config, 'a.onnx', 'OUT must be a folder for the two files of this model, but is '),
    ],
)
def test_an_output_of_another_kind(make, out, message, tmp_path):
    make().dump(tmp_path / 'config.py')
    assert message in invoke(export, tmp_path / 'config.py', tmp_path / 'new' / out, '--shape', 64, status=1)


def test_a_conversion_that_fails_is_one_line(monkeypatch, caplog, tmp_path):
    def export_with_an_older_version(model, arguments, path, **_):
        logging.getLogger('onnxscript.version_converter').warning('Traceback (most recent call last): ...')
        identity = onnx.helper.make_node('Identity', ['a'], ['b'])
        infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in 'ab']
        graph = onnx.helper.make_graph([identity], 'graph', infos[:1], infos[1:])
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)]), path)

    monkeypatch.setattr(torch.onnx, 'export', export_with_an_older_version)
    with pytest.raises(ValueError, match='cannot write the operators of version 3: leave it out, or try 18'):
        write_onnx(torch.nn.Identity(), (), tmp_path / 'a.onnx', inputs='a', outputs='b', opset=3)
    assert not caplog.records
    assert logging.getLogger('onnxscript').level == logging.NOTSET


def test_options_of_recognizers(tmp_path):
    flow_config().dump(tmp_path / 'config.py')
    output = invoke(export, tmp_path / 'config.py', tmp_path / 'flow.onnx', '--frames', 3, status=1)
    assert output == 'Error: --frames and --online are for recognizers: leave them out\n'


def test_missing_files_and_other_models(tmp_path):
    out = str(tmp_path / 'a.onnx')
    assert 'absent.py' in invoke(export, tmp_path / 'absent.py', out, status=1)
    config = online_config()
    config.dump(tmp_path / 'config.py')
    output = invoke(export, tmp_path / 'config.py', out, '--checkpoint', tmp_path / 'absent.pth', status=1)
    assert 'Error: there is no checkpoint' in output
    invoke(export, tmp_path / 'config.py', out, '--frames', '0', status=2)
    assert 'expected HEIGHTxWIDTH' in invoke(export, tmp_path / 'config.py', out, '--shape', '3x', status=2)
    del config.model.cls_head
    config.dump(tmp_path / 'other.py')
    output = invoke(export, tmp_path / 'other.py', out, status=1)
    assert 'Error: Recognizer2D cannot be exported: what can is a recognizer of mmaction2, a DeepFeatureFlow' in output


def test_a_detector_is_refused_in_one_line(tmp_path):
    pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    from tests.models.detectors.tiny import video_config as detector_config

    detector_config().dump(tmp_path / 'config.py')
    output = invoke(export, tmp_path / 'config.py', tmp_path / 'a.onnx', '--shape', '64', status=1)
    assert 'Error: DeepFeatureFlowDetector cannot be exported: how many boxes it finds' in output
