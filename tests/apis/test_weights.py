"""The same six checkpoints at every entrance: one rule, and what it says.

The rule: what is evaluated has no random tensor; what is trained may start without its heads, and Deep Feature Flow
from a plain segmentor; everything else must fit, name by name and shape by shape.
"""

import ast
import math
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.config import Config
from mmengine.registry import MODELS as ROOT
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmvidext.apis import FlowInferencer, OnlineRecognizer, VideoDetector, VideoRecognizer, VideoSegmentor
from mmvidext.apis.weights import fit_for_resuming, fit_for_training, load_for_inference
from mmvidext.checkpoints import load_weights
from mmvidext.cli.export import export as export_command
from mmvidext.cli.test import test as test_command
from mmvidext.cli.train import train as train_command
from mmvidext.engine import StartWeightsHook
from mmvidext.evaluation import TemporalConsistency
from mmvidext.models.backbones import TSMResNet
from mmvidext.models.flow import FlowNetS
from tests.apis.online_config import online_config
from tests.apis.test_video_segmentor import PIPELINE
from tests.models.detectors.tiny import video_config
from tests.models.segmentors.tiny import fcn

FLOW_NET = dict(type='mmvidext.FlowNetS', width=0.0625)
KINDS = ('plain_segmentor', 'right', 'ResNet-34', '7_classes', 'flow_network_only', 'foreign_prefix')


def segmentor_config(depth=18, classes=19, **flow_net):
    segmentor = fcn(classes)
    segmentor.backbone.depth = depth
    return Config(
        dict(
            default_scope='mmseg',
            model=dict(type='mmvidext.DeepFeatureFlow', segmentor=segmentor, flow_net=dict(FLOW_NET, **flow_net)),
            test_dataloader=dict(dataset=dict(type='mmvidext.CityscapesVideoDataset', pipeline=PIPELINE)),
        )
    )


def recognizer_config(depth=18, classes=5):
    config = online_config()
    config.model.backbone.depth = depth
    config.model.cls_head.num_classes = classes
    return config


def detector_config(depth=18, classes=80):
    config = video_config()
    config.model.detector.backbone.depth = depth
    config.model.detector.bbox_head.num_classes = classes
    return config


def flow_config(width=0.0625):
    net = dict(FLOW_NET, width=width)
    return Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=net)))


def build(config):
    with DefaultScope.overwrite_default_scope(config.default_scope):
        return ROOT.build(config.model)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The six checkpoints for each kind of model: their own right one, and wrong ones of their own kind."""
    root = tmp_path_factory.mktemp('weights')
    torch.manual_seed(0)
    segmentor = build(Config(dict(default_scope='mmseg', model=fcn(19)))).state_dict()
    flow = build(flow_config()).state_dict()
    own = {
        'segmentor': (segmentor_config(), segmentor_config(depth=34), segmentor_config(classes=7)),
        'recognizer': (recognizer_config(), recognizer_config(depth=34), recognizer_config(classes=7)),
        'flow': (flow_config(), recognizer_config(depth=34), recognizer_config(classes=7)),
    }
    if find_spec('mmdet'):
        own['detector'] = (detector_config(), detector_config(depth=34), detector_config(classes=7))
    for model, (right, deeper, other) in own.items():
        built = build(right)
        weights, plain = built.state_dict(), built.detector.state_dict() if model == 'detector' else segmentor
        files = (
            plain,
            weights,
            build(deeper).state_dict(),
            build(other).state_dict(),
            flow,
            {f'net.{name}': value for name, value in weights.items()},
        )
        for kind, content in zip(KINDS, files, strict=True):
            torch.save({'state_dict': content, 'meta': {}}, root / f'{model}_{kind}.pth')
    return root


def run_command(command, config, arguments, tmp_path, monkeypatch):
    """Run ``mmvidext train`` or ``test`` in this process up to the point where mmengine's runner begins."""
    config.work_dir = str(tmp_path)
    config.dump(tmp_path / 'config.py')
    models = []

    def begin(runner):
        for hook in runner.hooks:
            if isinstance(hook, StartWeightsHook):
                hook.before_train(runner)
        models.append(runner.model)
        return {}

    monkeypatch.setattr(Runner, 'train', begin)
    monkeypatch.setattr(Runner, 'test', lambda runner: models.append(runner.model) or {})
    for step in ('test.check_labels', 'test.warn_of_other_classes', 'train.build_training'):  # there is no data
        monkeypatch.setattr(f'mmvidext.cli.{step}', lambda *arguments, **kwargs: None)
    command.main([str(tmp_path / 'config.py'), *arguments], standalone_mode=False)
    return models[0]


def with_loops(config):
    config.val_dataloader = None
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler'), dataset=dict(type='mmengine.X'))
    config.merge_from_dict(
        dict(
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            test_dataloader={**loader, **config.get('test_dataloader', {})},
            test_cfg={},
            test_evaluator=dict(type='mmvidext.EndPointError'),
            default_hooks=dict(logger=None, checkpoint=None, runtime_info=None, param_scheduler=None),
        )
    )
    return config


def evaluate(config):
    return lambda path, *where: run_command(test_command, with_loops(config()), [str(path)], *where)


def train(config):
    option = '--cfg-options'
    return lambda path, *where: run_command(train_command, with_loops(config()), [option, f'load_from={path}'], *where)


def pretrained(path, *where):
    backbone = TSMResNet(18, num_segments=3, causal=True, pretrained=str(path))
    backbone.init_weights()
    return SimpleNamespace(state_dict=lambda: {f'backbone.{k}': v for k, v in backbone.state_dict().items()})


def metric(path, *where):
    return TemporalConsistency(flow_config().model, checkpoint=str(path)).flow_estimator


def export(path, tmp_path, monkeypatch):
    models = []
    monkeypatch.setattr('mmvidext.cli.export.write_graphs', lambda model, *rest, **options: models.append(model) or [])
    recognizer_config().dump(tmp_path / 'config.py')
    arguments = [str(tmp_path / 'config.py'), str(tmp_path / 'out.onnx'), '--checkpoint', str(path)]
    export_command.main(arguments, standalone_mode=False)
    return models[0]


def flow_net(path, *where):
    net = FlowNetS(width=0.0625, init_cfg=dict(type='Pretrained', checkpoint=str(path), prefix='flow_net.'))
    net.init_weights()
    return SimpleNamespace(state_dict=lambda: {f'flow_net.{k}': v for k, v in net.state_dict().items()})


ENTRANCES = {
    'tools/test.py, segmentor': ('segmentor', evaluate(segmentor_config), {'right'}),
    'VideoSegmentor': ('segmentor', lambda path, *where: VideoSegmentor(segmentor_config(), path).model, {'right'}),
    'tools/train.py, segmentor': (
        'segmentor',
        train(segmentor_config),
        {'right', 'plain_segmentor', '7_classes'},
    ),
    'tools/test.py, recognizer': ('recognizer', evaluate(recognizer_config), {'right'}),
    'OnlineRecognizer': (
        'recognizer',
        lambda path, *where: OnlineRecognizer(recognizer_config(), path).model,
        {'right'},
    ),
    'VideoRecognizer': ('recognizer', lambda path, *where: VideoRecognizer(recognizer_config(), path).model, {'right'}),
    'VideoDetector': ('detector', lambda path, *where: VideoDetector(detector_config(), path).model, {'right'}),
    'tools/test.py, detector': ('detector', evaluate(detector_config), {'right'}),
    'tools/train.py, detector': ('detector', train(detector_config), {'right', 'plain_segmentor', '7_classes'}),
    'tools/train.py, recognizer': ('recognizer', train(recognizer_config), {'right', '7_classes'}),
    'pretrained': ('recognizer', pretrained, {'right', '7_classes'}),
    'tools/test.py, flow': ('flow', evaluate(flow_config), {'right', 'flow_network_only'}),
    'FlowInferencer': (
        'flow',
        lambda path, *where: FlowInferencer(flow_config(), path).model,
        {'right', 'flow_network_only'},
    ),
    'TemporalConsistency': ('flow', metric, {'right', 'flow_network_only'}),
    'tools/export_onnx.py': ('recognizer', export, {'right'}),
    'init_cfg of a flow network': ('flow', flow_net, {'right', 'flow_network_only'}),
    'tools/train.py, flow': ('flow', train(flow_config), {'right', 'flow_network_only'}),
}


LOADERS = ('load_weights', 'fit_weights', 'load_for_inference', 'fit_for_training', 'fit_for_resuming')
LOADERS += ('read_checkpoint', 'convert_checkpoint')
CALLERS = {  # every module that takes a checkpoint: the entrances that lead to it, or the tests that do
    'apis/flow_inferencer.py': 'FlowInferencer',
    'apis/recognizer_loading.py': 'OnlineRecognizer',
    'apis/video_stream.py': 'VideoSegmentor',
    'apis/weights.py': 'tools/train.py, recognizer',
    'cli/convert.py': Path('tests/cli/test_bad_input.py'),
    'cli/export.py': 'tools/export_onnx.py',
    'cli/running.py': 'tools/train.py, segmentor',
    'cli/test.py': 'tools/test.py, segmentor',
    'cli/weights.py': Path('tests/cli/test_weights.py'),
    'engine/resume_point.py': Path('tests/reliability/test_whole_checkpoints.py'),
    'evaluation/temporal_consistency.py': 'TemporalConsistency',
    'models/backbones/pretrained.py': 'pretrained',
    'models/flow/flownet.py': 'init_cfg of a flow network',
}


def test_every_module_that_takes_a_checkpoint_is_covered():
    root = Path(__file__).parents[2]
    callers = set()
    for path in (root / 'mmvidext').rglob('*.py'):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(getattr(call, 'id', None) in LOADERS for call in calls):
            callers.add(str(path.relative_to(root / 'mmvidext')))
    assert {path for path in callers if not path.startswith('checkpoints/')} == set(CALLERS)
    for by in CALLERS.values():
        assert (root / by).is_file() if isinstance(by, Path) else by in ENTRANCES


def with_norm():
    model = build(flow_config())
    model.norm = torch.nn.BatchNorm2d(2)
    model.register_buffer('mask', torch.zeros(2))
    return model


def write(path, name, value, dtype=torch.float32):
    weights = with_norm().state_dict()
    weights[name] = torch.full_like(weights[name], 1, dtype=dtype)
    weights[name].view(-1)[-1:] = value
    torch.save({'state_dict': weights, 'meta': {}}, path)
    return path


@pytest.mark.parametrize('load', [load_for_inference, load_weights, fit_for_training, fit_for_resuming])
@pytest.mark.parametrize(
    ('name', 'value', 'dtype'),
    [
        ('flow_net.conv1.weight', math.nan, torch.float32),
        ('norm.running_var', math.inf, torch.float16),
        ('flow_net.conv1.weight', -1e300, torch.float64),  # it does not fit into float32
    ],
)
def test_numbers_that_are_not_finite_are_refused(name, value, dtype, load, tmp_path):
    model, path = with_norm(), write(tmp_path / 'a.pth', name, value, dtype)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=rf'a\.pth holds numbers that are not finite, in {name}: take another file'):
        load(model, path)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize('dtype', [torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64])
@pytest.mark.parametrize('load', [load_for_inference, fit_for_training])
def test_another_kind_of_number_is_refused(load, dtype, tmp_path):
    path = write(tmp_path / 'a.pth', 'norm.weight', 1, dtype)
    kind = str(dtype).removeprefix('torch.')
    with pytest.raises(ValueError, match=rf'a\.pth holds other kinds .*: norm\.weight is {kind} instead of float32: '):
        load(with_norm(), path)


@pytest.mark.parametrize(
    ('name', 'value', 'dtype'),
    [
        ('norm.weight', 2, torch.float16),
        ('norm.weight', 2, torch.bfloat16),
        ('norm.weight', 2, torch.float64),
        ('norm.num_batches_tracked', 2.5, torch.float32),  # of an average of checkpoints
        ('mask', -math.inf, torch.float32),
    ],
)
def test_any_precision_and_a_mask_are_taken(name, value, dtype, tmp_path):
    model = with_norm()
    load_for_inference(model, write(tmp_path / 'a.pth', name, value, dtype))
    assert model.state_dict()[name].view(-1)[-1] == (2 if name.endswith('tracked') else value)


def test_a_head_that_cannot_be_loaded_is_not_left_out(tmp_path):
    """A file that does not fit as a whole may be one of the backbone alone; this one is not."""
    model = build(recognizer_config())
    weights = model.state_dict()
    weights['cls_head.fc_cls.bias'] = torch.full((5,), math.nan)
    torch.save(weights, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'not finite, in cls_head\.fc_cls\.bias: '):
        fit_for_training(model, tmp_path / 'a.pth')


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('entrance', ENTRANCES)
def test_every_entrance_gives_the_same_verdict(entrance, kind, folder, tmp_path, monkeypatch):
    model, enter, accepted = ENTRANCES[entrance]
    if model == 'detector':
        pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    path = folder / f'{model}_{kind}.pth'
    if kind not in accepted:
        with pytest.raises((click.ClickException, ValueError), match=rf'{kind}\.pth does not fit the '):
            enter(path, tmp_path, monkeypatch)
        return
    # what trains does so on a GPU where there is one
    loaded = {name: value.cpu() for name, value in enter(path, tmp_path, monkeypatch).state_dict().items()}
    wanted = torch.load(path)['state_dict']
    if kind == 'plain_segmentor':
        wanted = {f'{model}.{name}': value for name, value in wanted.items()}
    same = {name for name, value in wanted.items() if name in loaded and torch.equal(loaded[name], value)}
    expected = {name for name in wanted if entrance != 'pretrained' or name.startswith('backbone.')}
    of_classes = {name for name in wanted if any(part in name for part in ('fc_cls', 'conv_seg', 'retina_cls'))}
    assert same >= (expected - of_classes if kind == '7_classes' else expected)


@pytest.mark.parametrize('entrance', ['tools/test.py, segmentor', 'VideoSegmentor'])
def test_a_plain_segmentor_is_evaluated_with_a_flow_network_of_its_own(entrance, folder, tmp_path, monkeypatch):
    own = dict(type='Pretrained', checkpoint=str(folder / 'flow_right.pth'), prefix='flow_net.')
    path = folder / 'segmentor_plain_segmentor.pth'
    if entrance == 'VideoSegmentor':
        model = VideoSegmentor(segmentor_config(init_cfg=own), path).model
    else:
        model = evaluate(lambda: segmentor_config(init_cfg=own))(path, tmp_path, monkeypatch)
    model = model.cpu()
    for name, value in torch.load(folder / 'flow_right.pth')['state_dict'].items():
        assert torch.equal(model.state_dict()[f'feature_flow.{name}'], value)
    assert torch.equal(
        model.segmentor.decode_head.conv_seg.weight, torch.load(path)['state_dict']['decode_head.conv_seg.weight']
    )


def test_the_error_says_how_to_evaluate_a_plain_segmentor(folder):
    with pytest.raises(ValueError, match=r'give the flow network its weights: flow_net\.init_cfg=dict'):
        VideoSegmentor(segmentor_config(), folder / 'segmentor_plain_segmentor.pth')


def test_training_logs_what_it_starts_without(folder, tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr('mmengine.logging.MMLogger.info', lambda self, text, *rest: logged.append(str(text)))
    train(recognizer_config)(folder / 'recognizer_7_classes.pth', tmp_path, monkeypatch)
    (line,) = [line for line in logged if ' tensors fit' in line]
    assert line.endswith(
        '; not loaded: cls_head.fc_cls.weight is (7, 512) instead of (5, 512), '
        'cls_head.fc_cls.bias is (7,) instead of (5,)'
    )


def test_only_a_run_is_resumed(folder, tmp_path, monkeypatch):
    path = folder / 'recognizer_right.pth'
    flags = ['--resume', str(path)]
    with pytest.raises(click.UsageError, match='to start from its weights, set load_from and leave out --resume'):
        run_command(train_command, with_loops(recognizer_config()), flags, tmp_path, monkeypatch)
    torch.save({**torch.load(path), 'optimizer': {}, 'message_hub': {}}, tmp_path / 'epoch_1.pth')
    flags = ['--resume', str(tmp_path / 'epoch_1.pth')]
    run_command(train_command, with_loops(recognizer_config()), flags, tmp_path, monkeypatch)
    with pytest.raises(click.UsageError, match=r'does not fit the Recognizer2D: wrong: cls_head\.fc_cls\.weight'):
        run_command(train_command, with_loops(recognizer_config(classes=6)), flags, tmp_path, monkeypatch)
