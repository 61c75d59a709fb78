"""Every option and argument of every command with every bad value: one line that says what is wrong, no traceback.

The parameters are those of the commands themselves: a new command without a case here, or a new parameter that takes a
path and has no kind here, fails.
"""

import signal

import click
import pytest
from click.testing import CliRunner

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')
pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmvidext.cli.main import main
from tests.cli.bad_files import write_bad, write_good
from tests.cli.test_main import COMMANDS

SECONDS = 60  # a command that waits for a pipe would hang
BAD = {
    'config': 'missing.py . pipe empty.py noise.py wrong.py raises.py nothing.py no_type.py unknown.py text.py '
    'noise.json mmvidext::nothing nothing::nothing',
    'checkpoint': 'missing.pth . pipe empty.pth noise.pth list.txt a.webm https://127.0.0.1:9/a.pth',
    'source': 'missing.mp4 empty_folder full_folder pipe empty.mp4 noise.mp4 list.txt noise*.png %03d.png 987 '
    'rtsp://127.0.0.1:9/a http://127.0.0.1:9/a.mp4',
    'script': 'missing.py . pipe mmaction::nothing nothing::nothing',
    'image': 'missing.png . pipe empty.png noise.png a.webm small.png disparity.png',
    'truth': 'missing.flo . pipe empty.flo noise.flo list.txt small.flo disparity.png small.png',
    'names': 'missing.txt . pipe empty.txt noise.txt noise.json list.txt',
    'classes': 'missing.txt . pipe empty.txt noise.txt noise.json',
    'output': 'list.txt/a /proc/nothing/a out_device out_pipe out_folder',
    'model_name': 'nothing list.txt . a/../camera-motion',
    'new': 'list.txt/a /proc/nothing/a out_device out_pipe',  # may be a folder that has something in it
    'folder': 'missing list.txt pipe empty_folder full_folder',
    'device': 'nothing cuda:99 meta',
    'option': 'a nothing=1 model.nothing=1 model=( model.type=Nothing = model.backbone.nothing=[1',
    'number': '-1 0',
}
# words of a command line that works, and the kinds of its paths; an output has its suffix after the kind
SYNTHETIC = ('@out --train 0 --val 0', dict(out='new'))
GOOD = {
    'predict': (
        'recognition.py a.webm --weights recognition.pth',
        dict(model='config', weights='checkpoint', out='output.mp4', results='output.json', source='source'),
    ),
    'app': ('recognition.py=recognition.pth', dict(models='config', work_dirs='folder')),
    'run': ('nothing.py', dict(script='script')),
    'data folder': (
        'classes --workers 0 --out @out',
        dict(root='folder', out='new', annotations='names', classes='names'),
    ),
    'data segmentation': ('labeled --workers 0 --out @out', dict(root='folder', out='new', classes='classes')),
    'data flow': ('moving --workers 0 --out @out', dict(root='folder', out='new')),
    'stream': (
        'recognition.py recognition.pth frames',
        dict(out='output.mp4', scores='output.csv', labels='names', source='source'),
    ),
    'segment': (
        'segmentation.py segmentation.pth frames @out.mp4',
        dict(out='output.mp4', masks='output', label_video='output.mp4', source='source'),
    ),
    'detect': (
        'detection.py detection.pth frames @out.mp4',
        dict(out='output.mp4', boxes='output.jsonl', source='source'),
    ),
    'flow': (
        'flow.py flow.pth frames/1.png frames/2.png --truth true.flo',
        dict(
            source='image', second='image', out='output.flo', picture='output.png', truth='truth', legend='output.png'
        ),
    ),
    'flow through': ('flow.py flow.pth frames', dict(source='source', out='output', picture='output.mp4')),
    'export': ('flow.py @out.onnx --shape 64', dict(out='output.onnx')),
    'convert': ('recognition.py official.pth @out.pth', dict(input='checkpoint', output='output.pth')),
    'weights list': ('', {}),
    'weights get': ('camera-motion', dict(name='model_name', out='output.pth')),
    'test': (
        'recognition.py recognition.pth --work-dir @work --per-class --class-names names.txt',
        dict(
            work_dir='new',
            dump='output.pkl',
            metrics='output.json',
            confusion_matrix='output.png',
            class_names='names',
            show_dir='output',
        ),
    ),
    'train': ('recognition.py --work-dir @work', dict(work_dir='new', resume='checkpoint', weights='checkpoint')),
    'data prepare-sthv2': (
        'download --workers 0 --out @out',
        dict(root='folder', videos='folder', annotations='folder', out='new', labels='output.txt'),
    ),
    'data reencode': ('films @out --workers 0', dict(videos='folder', out='new', lists='names')),
    'data shard': ('films @out --list films/list.txt --workers 0', dict(videos='folder', out='new', lists='names')),
    'data check-flow': ('sintel full_folder', dict(root='folder')),
    'data check-segmentation': ('vspw full_folder', dict(root='folder', dataset='config')),
    'data check-imagenet-vid': ('full_folder', dict(root='folder')),
    'data make-synthetic sthv2': (SYNTHETIC[0], dict(out='new', textures='folder')),
    'data make-synthetic cityscapes': SYNTHETIC,
    'data make-synthetic flying-chairs': SYNTHETIC,
    'data make-synthetic imagenet-vid': SYNTHETIC,
    'data make-synthetic video-folders': SYNTHETIC,
}
COMMON = dict(config='config', checkpoint='checkpoint', device='device', cfg_options='option')
CHECKED_BY_CLICK = (click.Choice, click.IntRange, click.FloatRange, click.types.BoolParamType)
# names of models, an expression, what is another script's, separators
WITH_A_TYPE = {'shape', 'size', 'workers'}
NO_PATHS = {
    'arguments',
    'delimiter',
    'ext',
    'host',
    'user',
    'launcher',
    'local_rank',
    'model',
    'recordings',
} | WITH_A_TYPE
NUMBERS = (click.types.IntParamType, click.types.FloatParamType)
REPORTS = dict.fromkeys(('check-flow', 'check-imagenet-vid', 'check-segmentation'), ('to download: ', 'expected: '))
REPORTS |= {'prepare-sthv2': ('or leave them out with --drop-bad.',), 'reencode': ('No lists were written.',)}
MAY_BE_RIGHT = {'number'}  # 0, or -1, means something here and there


class HangsError(BaseException):
    """What no command may turn into an error of its own."""


def name_of(case):
    return f'mmvidext {case.removesuffix(" through")}'


def kind_of(case, parameter):
    """Return the kind of a parameter's values; None if click or its own type refuses all that is bad."""
    kind = (GOOD[case][1] if case.endswith('through') else COMMON | GOOD[case][1]).get(parameter.name)
    if kind is None and isinstance(parameter.type, NUMBERS) and not isinstance(parameter.type, CHECKED_BY_CLICK):
        return None if parameter.name in NO_PATHS else 'number'
    return kind


def cases():
    for case in GOOD:
        for parameter in COMMANDS[name_of(case)].params:
            family, dot, suffix = (kind_of(case, parameter) or '').partition('.')
            for value in BAD.get(family, '').split():
                yield pytest.param(case, parameter, value + dot + suffix, id=f'{case}-{parameter.name}-{value}')


def arguments(case, parameter, value):
    """Return the command line that works, with one value replaced or added."""
    words = GOOD[case][0].split()
    positional = [one for one in COMMANDS[name_of(case)].params if isinstance(one, click.Argument)]
    if parameter in positional:
        words[positional.index(parameter)] = value
    elif parameter.opts[0] in words:
        words[words.index(parameter.opts[0]) + 1] = value
    else:
        words += [parameter.opts[0], value]
    return words


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    write_good(root)
    write_bad(root)
    return root


def run(case, words, tmp_path):
    def hang(*_):
        raise HangsError

    words = [*case.removesuffix(' through').split(), *(word.replace('@', f'{tmp_path}/') for word in words)]
    previous = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        result = CliRunner().invoke(main, words)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


@pytest.mark.parametrize(('case', 'parameter', 'value'), cases())
def test_a_bad_value_is_one_line(case, parameter, value, world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    result = run(case, arguments(case, parameter, value), tmp_path)
    kind = kind_of(case, parameter)
    if result.exit_code == 0:
        assert kind in MAY_BE_RIGHT
        return
    marks = ('Error: ', *REPORTS.get(case.split()[-1], ())) if case.startswith('data') else ('Error: ',)
    *_, last = (line for line in result.output.splitlines() if not line.startswith('Usage') and line)
    assert last.startswith(marks), result.output
    assert sum(line.startswith('Error: ') for line in result.output.splitlines()) <= 1
    assert 'Errno' not in result.output


@pytest.mark.parametrize('case', [case for case in GOOD if not case.startswith(('data check', 'app'))])
def test_the_command_line_without_the_bad_value_works(case, world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    result = run(case, GOOD[case][0].split(), tmp_path)
    assert result.exit_code == 0, result.output


def test_every_command_and_every_parameter_is_covered():
    commands = {name for name, command in COMMANDS.items() if not isinstance(command, click.Group)}
    assert commands - {'mmvidext doctor'} == {name_of(case) for case in GOOD}
    missing = [
        f'{case} {parameter.name}'
        for case in GOOD
        if not case.endswith('through')
        for parameter in COMMANDS[name_of(case)].params
        if not isinstance(parameter.type, CHECKED_BY_CLICK)
        and parameter.name not in NO_PATHS
        and kind_of(case, parameter) is None
    ]
    assert missing == []


@pytest.mark.parametrize('workers', [0, 1])
def test_a_bad_video_ends_an_evaluation_with_one_line(workers, world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    (tmp_path / 'list.txt').write_text('a.webm 0\nnoise.mp4 1\n')
    words = [*GOOD['test'][0].split(), '--cfg-options', f'test_dataloader.dataset.ann_file={tmp_path}/list.txt']
    result = run('test', [*words, f'test_dataloader.num_workers={workers}'], tmp_path)
    assert result.exit_code == 1
    *_, last = result.output.splitlines()
    assert last.startswith('Error: ')
    assert 'noise.mp4 (codec unknown) cannot be decoded' in last


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('model.cls_head.num_classes=4', 'num_classes=5, but the head of the model has num_classes=4'),
        ('train_dataloader.dataset.num_classes=1', 'list.txt:2: the label must be in [0, 1), but is 1'),
        ('train_dataloader.dataset.pipeline.1.num_clips=2', 'the train pipeline gives 2 frames'),
        ('load_from=noise.pth', 'noise.pth is damaged'),
        ('load_from=segmentation.pth', 'segmentation.pth does not fit'),
        ('model.backbone.pretrained=noise.pth', 'noise.pth is damaged'),
    ],
)
def test_a_setting_ends_a_training_with_one_line(option, message, world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    result = run('train', [*GOOD['train'][0].split(), '--cfg-options', f'+{option}'], tmp_path)
    assert result.exit_code != 0
    *_, last = result.output.splitlines()
    assert last.startswith('Error: ')
    assert message in last


def test_mmaction2s_hook_for_pictures_is_refused_for_ours(world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    words = [*GOOD['test'][0].split(), '--cfg-options', "+default_hooks.visualization.type='VisualizationHook'"]
    words.append('+default_hooks.visualization.enable=True')
    assert "write type='mmvidext.VisualizationHook'" in run('test', words, tmp_path).output
    words[-2] = "+default_hooks.visualization.type='mmvidext.VisualizationHook'"
    result = run('test', [*words, f'+default_hooks.visualization.out_dir={tmp_path}/pictures'], tmp_path)
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / 'pictures').iterdir())) == 2
