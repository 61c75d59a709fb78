"""The code blocks of README and of the pages for beginners are run, or say why not.

A comment before a block says what it is: `file: NAME` is a file that later blocks use, and the others name what a test
has not. Commands are run as they stand, only on less: one epoch or two iterations, on small frames.
"""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmvidext.cli.main import main
from mmvidext.datasets.flow_io import write_flo
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video, write_with_av

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    'README.md',
    *(f'docs/{name}.md' for name in ('installation', 'own_data', 'in_your_config', 'cluster', 'camera_motion')),
]
BLOCK = re.compile(r'(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>bash|python)\n(?P<text>.*?)```', re.DOTALL)
REASONS = ('needs a download', 'needs a GPU', 'needs a cluster', 'needs minutes', 'starts two processes')
SMALLER = {
    'videos': ('max_epochs=1', 'short_side=32', 'crop_size=32', 'num_workers=0', 'batch_size=2'),
    'street': ('frame_size=(64,64)', 'crop_size=(32,32)', 'num_workers=0', 'batch_size=2'),
    'scenes': ('crop_size=(64,64)', 'num_workers=0', 'batch_size=2'),
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
    for found in BLOCK.finditer((ROOT / page).read_text()):
        yield found['mark'] or '', found['kind'], found['text']


@pytest.mark.parametrize('page', PAGES)
def test_every_block_is_run_or_says_why_not(page):
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
    write_with_av(folder / 'new.mp4', codec='libx264', size=(128, 96))
    write_with_av(folder / 'my.mp4', codec='libx264', size=(128, 96))
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
    words = shlex.split(line)[1:]
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
    if page in ('README.md', 'docs/camera_motion.md'):
        assert (tmp_path / 'shown.mp4').stat().st_size > 1000
    if page.endswith('own_data.md'):
        assert {'shown.mp4', 'new.json', 'segmented.mp4', 'flow.mp4'} <= {path.name for path in tmp_path.iterdir()}
        assert next((tmp_path / 'shown_by_mmaction').rglob('*.png')).stat().st_size > 1000


def test_configs_build(tmp_path, monkeypatch):
    """The configs of the page are whole; the one with Deep Feature Flow around a full config of mmseg trains."""
    monkeypatch.chdir(tmp_path)
    for mark, _, text in blocks('docs/in_your_config.md'):
        if not mark.startswith('file: '):
            continue
        path = tmp_path / mark.removeprefix('file: ')
        path.write_text(text)
        config = Config.fromfile(path)
        with DefaultScope.overwrite_default_scope(config.default_scope), torch.device('meta'):
            MODELS.build(config.model)
    write_data(tmp_path)
    invoke(main, *shlex.split('data segmentation street --workers 0'))
    heads = [f'model.segmentor.{head}.num_classes=3' for head in ('decode_head', 'auxiliary_head')]
    brief = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2']
    crop = ['train_dataloader.dataset.pipeline.3.transforms.0.crop_size=(32,32)', 'model.segmentor.pretrained=None']
    invoke(main, 'train', 'my_dff.py', '--cfg-options', *heads, *OF_MMACTION[1:], *brief, *crop)
    (log,) = (tmp_path / 'work_dirs/my_dff').glob('*/*.log')
    assert 'mIoU' in log.read_text()
