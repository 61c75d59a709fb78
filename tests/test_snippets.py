"""The code blocks of all pages are run, or say why not.

A comment before a block says what it is: `file: NAME` is a config, which is built; `part of a config` is one too, whose
classes are looked up; the others name what a test has not. Commands are run as they stand, only on less: one epoch or
two iterations, on small frames. Those that are not run are at least accepted by the command that they name.
"""

import json
import re
import shlex
import types
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS, DefaultScope, Registry
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmvidext import registry
from mmvidext.cli.config import load_config
from mmvidext.cli.main import main
from mmvidext.cli.options import one_line_errors
from mmvidext.datasets.flow_io import write_flo
from mmvidext.models.backbones import TSMResNet
from tests.cli.bad_files import segmentation
from tests.cli.invoke import invoke
from tests.cli.test_main import COMMANDS
from tests.datasets.videos import write_video, write_with_av
from tests.models.detectors.tiny import sample as det_sample

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ('*.md', 'docs/**/*.md', 'configs/**/*.md')
    for path in ROOT.glob(pattern)
    if path.name != 'CHANGELOG.md'
)
TRANSLATED = {
    'README_zh-CN.md': 'README.md',
    'docs/zh/own_data.md': 'docs/own_data.md',
    'docs/zh/in_your_config.md': 'docs/in_your_config.md',
}
BLOCK = re.compile(r'(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>bash|python)\n(?P<text>.*?)```', re.DOTALL)
PART = 'part of a config'
REASONS = (PART, 'needs a download', 'needs a GPU', 'needs a cluster', 'needs minutes')
REASONS += ('starts two processes', 'starts a server')
SMALLER = {
    'videos': ('max_epochs=1', 'short_side=32', 'crop_size=32', 'num_workers=0', 'batch_size=2'),
    'street': ('frame_size=(64,64)', 'crop_size=(32,32)', 'num_workers=0', 'batch_size=2'),
    'scenes': ('crop_size=(64,64)', 'num_workers=0', 'batch_size=2'),
}
SMALL_FLOW_NETS = {  # lines for the ready configs: most of the time goes into writing large checkpoints
    'street/dff_pspnet_r18.py': 'model.update(flow_net=dict(width=0.0625))',
    'scenes/flownets.py': 'model = dict(flow_net=dict(width=0.0625))',
}
OF_MMACTION = (
    'train_cfg.max_epochs=1',
    *(
        f'{split}_dataloader.{key}'
        for split in ('train', 'val')
        for key in ('num_workers=0', 'persistent_workers=False')
    ),
)


def blocks(page):
    """Yield mark, language and text of each block of code."""
    for found in BLOCK.finditer((ROOT / page).read_text(encoding='utf-8')):
        yield found['mark'] or '', found['kind'], found['text']


@pytest.mark.parametrize('page', PAGES)
def test_every_block_is_run_or_says_why_not(page):
    fences = re.findall(r'^```(\w*)\n(.*?)^```$', (ROOT / page).read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
    untagged = [text for kind, text in fences if not kind]
    assert [
        text for text in untagged if re.search('^(python|mmvidext|bash|torchrun|pip|mim) ', text, re.MULTILINE)
    ] == []
    for mark, kind, text in blocks(page):
        assert mark == '' or mark in REASONS or mark.startswith('file: '), text
        if kind == 'bash' and not mark:
            assert all(line.startswith('mmvidext ') for line in text.replace('\\\n', ' ').splitlines()), text


def write_data(folder):
    """Write what the page on own data speaks of: videos in three classes, frames with labels, frames with flow."""
    for number, name in enumerate(('turn left', '向右', 'stop')):
        (folder / 'videos' / name).mkdir(parents=True)
        write_video(folder / 'videos' / name / 'b.webm', seed=number)
        write_with_av(folder / 'videos' / name / 'c d.avi', num_frames=8 + number)
    for name in ('new.mp4', 'my.mp4'):
        write_with_av(folder / name, codec='libx264', size=(128, 96))
    random = np.random.default_rng(0)
    for video in ('a 1', 'b', '车'):
        for part in ('street/frames', 'street/labels', 'scenes/frames', 'scenes/flow'):
            (folder / part / video).mkdir(parents=True)
        for number in range(4):
            frame = random.integers(0, 255, (64, 96, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / 'street/frames' / video / f'{number}.jpg'), frame)
            cv2.imwrite(str(folder / 'street/labels' / video / f'{number}.png'), frame[..., 0] % 3)
            cv2.imwrite(str(folder / 'scenes/frames' / video / f'{number}.png'), frame)
            if number < 3:
                write_flo(folder / 'scenes/flow' / video / f'{number}.flo', np.zeros((64, 96, 2), np.float32))
    (folder / 'street' / 'names.txt').write_text('road\ncar\nsky\n')


def smaller(line):
    """Return the arguments of a command, on less data."""
    line = line.replace('max_iters=2000', 'max_iters=2').replace('iter_2000', 'iter_2').replace('epoch_40', 'epoch_1')
    words = shlex.split(line, comments=True)[1:]
    if words[0] == 'train':
        kept = [word for word in words if not re.match('(max_epochs|crop_size|short_side)=', word)]
        words = [*kept, '--cfg-options', *SMALLER[words[1]]]
    if words[:2] == ['run', 'mmaction::train'] and '--help' not in words:
        words += ['--cfg-options', *OF_MMACTION]
    return words


@pytest.mark.parametrize('page', ['README.md', 'docs/camera_motion.md', 'docs/installation.md', 'docs/own_data.md'])
def test_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    names = {}
    for mark, kind, text in blocks(page):
        if mark:
            continue
        if kind == 'python':
            exec(text.replace('epoch_40', 'epoch_1'), names)
            continue
        for line in text.replace('\\\n', ' ').splitlines():
            invoke(main, *smaller(line))
            if line.startswith(('mmvidext data segmentation', 'mmvidext data flow')):
                (name,) = (name for name in SMALL_FLOW_NETS if name.startswith(line.split()[3]))
                with (tmp_path / name).open('a') as config:
                    config.write(SMALL_FLOW_NETS[name])
    if page in ('README.md', 'docs/camera_motion.md'):
        assert (tmp_path / 'shown.mp4').stat().st_size > 1000
    if page.endswith('own_data.md'):
        assert {'shown.mp4', 'new.json', 'segmented.mp4', 'flow.mp4'} <= {path.name for path in tmp_path.iterdir()}
        assert next((tmp_path / 'shown_by_mmaction').rglob('*.png')).stat().st_size > 1000


FILES = [
    (page, mark.removeprefix('file: '), text) for page in PAGES for mark, _, text in blocks(page) if 'file: ' in mark
]
FILES = [file for file in FILES if file[0] not in TRANSLATED]


def small_batch(model, scope):
    """Return inputs and samples as the data preprocessor gives them, and the shape of what is predicted of a sample."""
    if scope == 'mmaction':
        inputs = torch.zeros(2, getattr(model.backbone, 'num_segments', 3), 3, 32, 32)
        return inputs, [ActionDataSample().set_gt_label(0) for _ in inputs], (model.cls_head.num_classes,)
    clip = (2,) if hasattr(model, 'feature_flow') else ()
    if scope == 'mmdet':
        return torch.zeros(1, *clip, 3, 64, 96), [det_sample(pad_shape=(64, 96))], None
    inputs = torch.zeros(2, *clip, 3, 64, 64)  # batch normalization needs two
    meta = dict(img_shape=(64, 64), ori_shape=(64, 64), pad_shape=(64, 64))
    labels = PixelData(data=torch.zeros(1, 64, 64, dtype=torch.long))
    return inputs, [SegDataSample(gt_sem_seg=labels, metainfo=meta) for _ in inputs], (1, 64, 64)


@pytest.mark.parametrize(('page', 'name', 'text'), FILES, ids=[name for _, name, _ in FILES])
def test_models_of_configs_train_and_predict(page, name, text, tmp_path):
    (tmp_path / name).write_text(text)
    config = Config.fromfile(tmp_path / name)
    scope = config.get('default_scope', 'mmseg')  # one page shows a model alone
    if 'flow_net' in config.model:
        config.model.flow_net.width = 0.0625
    # weights that nobody reads take time; the anchors of a detector are no weights
    with DefaultScope.overwrite_default_scope(scope), torch.device('cpu' if scope == 'mmdet' else 'meta'):
        model = revert_sync_batchnorm(MODELS.build(config.model))
    if scope != 'mmdet':
        model.to_empty(device='cpu')
        for value, tensors in ((0, model.parameters()), (1, model.buffers())):
            for tensor in tensors:
                tensor.data.fill_(value)
    inputs, samples, shape = small_batch(model, scope)
    with torch.no_grad():
        total, _ = model.parse_losses(model.train().loss(inputs, samples))
        predictions = model.eval().predict(inputs, samples)
    assert total.isfinite()
    found = [one.get('pred_score', getattr(one.get('pred_sem_seg'), 'data', None)) for one in predictions]
    assert [None if one is None else tuple(one.shape) for one in found] == [shape] * len(samples)


def test_a_config_trains_from_the_command_line(tmp_path, monkeypatch):
    """The one with Deep Feature Flow around a full config of mmseg."""
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    (text,) = (text for _, name, text in FILES if name == 'my_dff.py')
    (tmp_path / 'my_dff.py').write_text(text)
    invoke(main, *shlex.split('data segmentation street --workers 0'))
    heads = [f'model.segmentor.{head}.num_classes=3' for head in ('decode_head', 'auxiliary_head')]
    brief = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2']
    brief += ['+model.flow_net.width=0.0625']
    crop = ['train_dataloader.dataset.pipeline.3.transforms.0.crop_size=(32,32)', 'model.segmentor.pretrained=None']
    invoke(main, 'train', 'my_dff.py', '--cfg-options', *heads, *OF_MMACTION[1:], *brief, *crop)
    (log,) = (tmp_path / 'work_dirs/my_dff').glob('*/*.log')
    assert 'mIoU' in log.read_text()


@pytest.mark.parametrize(('page', 'original'), TRANSLATED.items())
def test_a_translation_has_the_blocks_of_its_original(page, original):
    def code(text):
        return re.sub(r' +#.*', '', text)  # comments are translated

    own, others = ([(mark, kind, code(text)) for mark, kind, text in blocks(one)] for one in (page, original))
    assert [block for block in own if block not in others] == []
    if page.startswith('docs'):
        assert own == others


@pytest.mark.parametrize(('page', 'original'), TRANSLATED.items())
def test_a_translation_names_what_its_original_names(page, original):
    def names(path):
        text = re.sub('```.*?```', '', (ROOT / path).read_text(encoding='utf-8'), flags=re.DOTALL)
        return {
            name for name in re.findall('`([^`\n]+)`', text) if not re.search('FOLDER|RECORDING', name)
        }  # translated

    assert names(original) - names(page) == set()


def types_in(value):
    """Yield the classes that a piece of a config names."""
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list, tuple)):
            yield from types_in(inner)
    if isinstance(value, dict) and isinstance(value.get('type'), str):
        yield value['type']


def test_classes_in_parts_of_configs_exist():
    base = types.SimpleNamespace(accurate_test_pipeline=[])
    found = set()
    for page in PAGES:
        for mark, _, text in blocks(page):
            if mark == PART:
                names = dict(train_pipeline=[], _base_=base)
                exec(re.sub(r'^_base_ = .*$', '', text, flags=re.MULTILINE), names)
                found |= set(types_in({name: names[name] for name in names if not name.startswith('_')}))
    ours = {name.removeprefix('mmvidext.') for name in found if name.startswith('mmvidext.')}
    registries = [value for value in vars(registry).values() if isinstance(value, Registry)]
    assert len(ours) > 3
    assert {name for name in ours if all(one.get(f'mmvidext.{name}') is None for one in registries)} == set()


def test_python_of_other_pages_runs(tmp_path, monkeypatch):
    """What a reader has at hand is there: frames, a config, a video."""
    monkeypatch.chdir(tmp_path)
    write_with_av(tmp_path / 'in.mp4', codec='libx264', size=(64, 48), num_frames=3)
    clip = torch.zeros(2, 4, 3, 224, 224)
    names = {
        'docs/data.md': {},
        'docs/online.md': dict(TSMResNet=TSMResNet, frames=clip),
        'docs/video_segmentation.md': dict(
            config=segmentation(), checkpoint=None, frame=np.zeros((48, 64, 3), np.uint8)
        ),
    }
    for page in PAGES:
        for mark, kind, text in blocks(page):
            if kind == 'python' and not mark and page not in ('docs/own_data.md', 'docs/zh/own_data.md'):
                exec(text, names[page])
    assert (tmp_path / 'out.mp4').stat().st_size > 500
    assert len(list((tmp_path / 'masks').iterdir())) == 3


def commands_in(text):
    """Yield the command lines of a block that go to `mmvidext`, also by a script of `tools`."""
    for line in text.replace('\\\n', ' ').splitlines():
        words = shlex.split(line, comments=True)
        if words[:2] == ['python', 'tools/data/make_synthetic.py']:
            yield ['data', 'make-synthetic', *words[2:]]
        elif words[:1] == ['python'] and len(words) > 1 and words[1] in DOORS:
            yield [DOORS[words[1]], *words[2:]]
        elif words[:1] == ['mmvidext']:
            yield words[1:]
        elif words[:1] in (['torchrun'], ['srun']):
            yield words[words.index('mmvidext') + 1 :]


def read_config(config=None, cfg_options=(), **_):
    """Read the config that a command changes, if it is one of ours."""
    if cfg_options and ('::' in config or (ROOT / config).is_file()):
        with one_line_errors():
            load_config(config if '::' in config else ROOT / config, cfg_options)


DOORS = {
    'tools/train.py': 'train',
    'tools/test.py': 'test',
    'tools/stream.py': 'stream',
    'tools/segment_video.py': 'segment',
    'tools/estimate_flow.py': 'flow',
    'tools/export_onnx.py': 'export',
    'tools/convert_checkpoint.py': 'convert',
}


def test_every_command_of_every_page_is_accepted(tmp_path, monkeypatch):
    """Also of the blocks that need what is not here; nothing is run, but options of our configs are applied."""
    monkeypatch.chdir(tmp_path)
    for name, command in COMMANDS.items():
        if not isinstance(command, click.Group):
            monkeypatch.setattr(command, 'callback', read_config)
            for parameter in command.params:  # what is not here is not asked for
                if name != 'mmvidext' and isinstance(parameter.type, click.Path):
                    monkeypatch.setattr(parameter.type, 'exists', False)
                monkeypatch.setattr(parameter, 'callback', None)
    refused, count = [], 0
    for page in PAGES:
        for _, kind, text in blocks(page):
            for words in commands_in(text) if kind == 'bash' else ():
                count += 1
                result = CliRunner().invoke(main, words)
                if result.exit_code:
                    refused.append(f'{page}: {shlex.join(words)}: {result.output.splitlines()[-1]}')
    assert refused == []
    assert count > 40


def test_options_in_the_comment_of_a_config_are_accepted():
    found = {}
    for path in (ROOT / 'configs').glob('*.py'):
        comment = path.read_text().partition('_base_')[0].replace('\n# ', ' ')
        options = re.findall(r'--cfg-options (\S+=(?!VALUE)\S+)', comment)
        if options:
            found[path.stem] = load_config(path, options)
    assert 'deeplabv2_r101_voc' in found


def test_the_page_on_data_names_every_format_that_is_generated():
    text = (ROOT / 'docs' / 'data.md').read_text()
    assert re.findall(r'make_synthetic\.py (\S+) ', text) == re.findall(r'^\*\*(\S+)\*\*: ', text, re.MULTILINE)
    formats = {name.split()[-1] for name in COMMANDS if name.startswith('mmvidext data make-synthetic ')}
    assert set(re.findall(r'make_synthetic\.py (\S+) ', text)) == formats


def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / 'docs/first_steps.ipynb').read_text(encoding='utf-8'))['cells']
    names = {}
    for cell in cells:
        if cell['cell_type'] == 'code':
            exec(''.join(cell['source']), names)
    assert names['prediction'].num_frames == 24
    assert (tmp_path / 'shown.mp4').stat().st_size > 500
