"""Every option and argument of every command with every bad value: one line that says what is wrong, never a traceback.

The parameters come from the commands themselves: a new command or parameter without a case here fails.
"""

import os
import signal
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from mmengine.config import Config
from mmengine.registry import DefaultScope

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.cli.main import main
from mmvidext.datasets.flow_io import write_flo
from mmvidext.registry import MODELS
from tests.apis.online_config import online_config
from tests.apis.test_video_segmentor import PIPELINE
from tests.cli.test_main import COMMANDS
from tests.datasets.videos import write_video
from tests.models.segmentors.tiny import fcn

FLOW_NET = dict(type='mmvidext.FlowNetS', width=0.0625)
SECONDS = 60  # a command that waits for a pipe would hang


class HangsError(BaseException):
    """What no command may turn into an error of its own."""


def recognition(folder):
    config = online_config()
    data = dict(type='mmvidext.VideoListDataset', ann_file=f'{folder}/list.txt', data_prefix=dict(video=str(folder)))
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
    pipeline = config.val_dataloader.dataset.pipeline
    for split in ('train', 'val', 'test'):
        config[f'{split}_dataloader'] = dict(loader, dataset=dict(data, pipeline=pipeline, num_classes=5))
    config.val_evaluator = config.test_evaluator = dict(type='mmvidext.AccMetric')
    config.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    config.val_cfg, config.test_cfg = dict(type='ValLoop'), dict(type='TestLoop')
    config.optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
    return config


def segmentation():
    return Config(
        dict(
            default_scope='mmseg',
            model=dict(type='mmvidext.DeepFeatureFlow', segmentor=fcn(19), flow_net=FLOW_NET),
            test_dataloader=dict(dataset=dict(type='mmvidext.CityscapesVideoDataset', pipeline=PIPELINE)),
        )
    )


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Whatever a command reads: good files, and bad ones."""
    root = tmp_path_factory.mktemp('world')
    generator = np.random.default_rng(0)
    (root / 'frames').mkdir()
    for number in (1, 2):
        cv2.imwrite(str(root / f'frames/{number}.png'), generator.integers(0, 256, (64, 64, 3), np.uint8))
    cv2.imwrite(str(root / 'small.png'), np.zeros((32, 40, 3), np.uint8))
    for name in ('a', 'b'):
        write_video(root / f'{name}.webm', num_frames=4, size=(64, 48))
    (root / 'list.txt').write_text('a.webm 0\nb.webm 1\n')
    write_flo(root / 'true.flo', np.zeros((64, 64, 2), np.float32))
    write_flo(root / 'small.flo', np.zeros((32, 40, 2), np.float32))
    (root / 'names.txt').write_text('a\nb\nc\nd\ne\n')
    flow = Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=FLOW_NET)))
    configs = dict(recognition=recognition(root), segmentation=segmentation(), flow=flow)
    for name, config in configs.items():
        config.dump(root / f'{name}.py')
        scope = config.default_scope
        with DefaultScope.overwrite_default_scope(scope):
            model = build_recognizer(config) if name == 'recognition' else MODELS.build(config.model)
        torch.save(dict(state_dict=model.state_dict(), meta={}), root / f'{name}.pth')
    write_bad(root)
    return root


def write_bad(root):
    (root / 'empty_folder').mkdir()
    (root / 'full_folder').mkdir()
    (root / 'full_folder/a.png').write_bytes(b'no picture')
    os.mkfifo(root / 'pipe')
    for suffix in ('py', 'pth', 'mp4', 'png', 'flo', 'txt', 'json'):
        (root / f'empty.{suffix}').write_bytes(b'')
        (root / f'noise.{suffix}').write_bytes(np.random.default_rng(0).bytes(500))
    (root / 'wrong.py').write_text('model = dict(\n')
    (root / 'raises.py').write_text('a = 1 / 0\n')
    (root / 'nothing.py').write_text('a = 1\n')
    (root / 'no_type.py').write_text('model = dict(backbone=dict(), cls_head=dict(), flow_net=dict(), segmentor=dict())\n')
    (root / 'unknown.py').write_text(
        "model = dict(type='Nothing', backbone=dict(type='No'), cls_head=dict(), flow_net=dict(), segmentor=dict())\n"
    )
    cv2.imwrite(str(root / 'disparity.png'), np.full((64, 64), 300, np.uint16))


# for each kind of value, what is wrong in the same way for every command
BAD = {
    'config': ['missing.py', '.', 'pipe', 'empty.py', 'noise.py', 'wrong.py', 'raises.py', 'nothing.py', 'no_type.py',
               'unknown.py', 'noise.json', 'mmvidext::nothing', 'nothing::nothing'],
    'checkpoint': ['missing.pth', '.', 'pipe', 'empty.pth', 'noise.pth', 'list.txt', 'a.webm', 'https://127.0.0.1:9/a.pth'],
    'source': ['missing.mp4', 'empty_folder', 'full_folder', 'pipe', 'empty.mp4', 'noise.mp4', 'list.txt', 'no*.png',
               '%03d.png', '987', 'rtsp://127.0.0.1:9/a', 'http://127.0.0.1:9/a.mp4'],
    'image': ['missing.png', '.', 'pipe', 'empty.png', 'noise.png', 'a.webm', 'small.png'],
    'truth': ['missing.flo', '.', 'pipe', 'empty.flo', 'noise.flo', 'list.txt', 'small.flo', 'disparity.png', 'small.png'],
    'names': ['missing.txt', '.', 'pipe', 'empty.txt', 'noise.txt', 'noise.json', 'list.txt'],
    'output': ['list.txt/a', '/proc/nothing/a', '/dev/full', 'pipe', 'full_folder', ''],
    'folder': ['missing', 'list.txt', 'pipe', 'empty_folder', 'full_folder'],
    'device': ['nothing', 'cuda:99', 'meta', 'cuda'],
    'option': ['a', 'nothing=1', 'model.nothing=1', 'model=(', 'model.type=Nothing', '=', 'model.backbone.nothing=[1'],
    'number': ['-1', '0', '-2147483649'],
}  # fmt: skip
# arguments that work, and which kind each is; {suffix} of an output after its name
GOOD = {
    'stream': ('recognition.py recognition.pth frames', dict(config='config', checkpoint='checkpoint', source='source',
               out='output.mp4', scores='output.csv', labels='names')),
    'segment': ('segmentation.py segmentation.pth frames @out.mp4', dict(config='config', checkpoint='checkpoint',
                source='source', out='output.mp4', masks='output', label_video='output.mp4')),
    'flow': ('flow.py flow.pth frames/1.png frames/2.png', dict(config='config', checkpoint='checkpoint',
             source='image', second='image', out='output.flo', picture='output.png', truth='truth', legend='output.png')),
    'flow SOURCE': ('flow.py flow.pth frames', dict(source='source', out='output', picture='output.mp4')),
    'export': ('flow.py @out.onnx --shape 64', dict(config='config', out='output.onnx', checkpoint='checkpoint')),
    'convert': ('recognition.py recognition.pth @out.pth', dict(config='config', input='checkpoint', output='output.pth')),
    'test': ('recognition.py recognition.pth --work-dir @work', dict(config='config', checkpoint='checkpoint',
             work_dir='output', dump='output.pkl', metrics='output.json', confusion_matrix='output.png',
             class_names='names')),
    'train': ('recognition.py --work-dir @work', dict(config='config', work_dir='output', resume='checkpoint')),
    'data prepare-sthv2': ('full_folder --workers 0', dict(root='folder', videos='folder', annotations='folder',
                           out='output', labels='output.txt')),
    'data check-flow': ('sintel full_folder', dict(root='folder')),
    'data check-segmentation': ('vspw full_folder', dict(root='folder')),
    'data make-synthetic sthv2': ('@out --train 0 --val 0', dict(out='output')),
    'data make-synthetic cityscapes': ('@out --train 0 --val 0', dict(out='output')),
    'data make-synthetic flying-chairs': ('@out --train 0 --val 0', dict(out='output')),
    'data make-synthetic video-folders': ('@out --train 0 --val 0', dict(out='output')),
}  # fmt: skip
SWEPT_ELSEWHERE = {'ext', 'local_rank'}
BY_TYPE = (click.types.IntParamType, click.types.FloatParamType, click.types.IntRange, click.types.FloatRange)


def kind_of(command, parameter):
    """Return the kind of a parameter's values, with the suffix of an output; None if click refuses all that is bad."""
    kind = GOOD[command][1].get(parameter.name)
    if kind is not None:
        return kind
    if parameter.name in ('device', 'cfg_options'):
        return dict(device='device', cfg_options='option')[parameter.name]
    return 'number' if isinstance(parameter.type, BY_TYPE) else None


def cases():
    for command in GOOD:
        name = f'mmvidext {command.removesuffix(" SOURCE")}'
        for parameter in COMMANDS[name].params:
            kind = kind_of(command, parameter)
            if kind is None or (command.endswith('SOURCE') and parameter.name not in GOOD[command][1]):
                continue
            family, dot, suffix = kind.partition('.')
            for value in BAD[family]:
                value = f'@out{value}' if family == 'output' and not value else value
                yield pytest.param(command, parameter, f'{value}{dot}{suffix}', id=f'{command}-{parameter.name}-{value}')


def arguments(command, parameter, value):
    """Return the command line that works, with one value replaced or added."""
    words = GOOD[command][0].split()
    named = [one for one in COMMANDS[f'mmvidext {command.removesuffix(" SOURCE")}'].params if isinstance(one, click.Argument)]
    if parameter in named:
        words[named.index(parameter)] = value
    elif parameter.opts[0] in words:
        words[words.index(parameter.opts[0]) + 1] = value
    else:
        words += [parameter.opts[0], value]
    return [*command.removesuffix(' SOURCE').split(), *words]


def run(words):
    def hang(*_):
        raise HangsError

    previous = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        return CliRunner().invoke(main, words)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize(('command', 'parameter', 'value'), cases())
def test_a_bad_value_is_one_line(command, parameter, value, world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    words = [word.replace('@', f'{tmp_path}/') for word in arguments(command, parameter, value)]
    result = run(words)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    lines = [line for line in result.output.splitlines() if line.startswith('Error: ')]
    print(f'{result.exit_code} {" ".join(words)[-60:]} => {lines or result.output[-300:]}')
