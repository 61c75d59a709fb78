"""mmsegmentation's own scripts run a config of ours."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmseg')

import mmseg

from tests.datasets.layouts import write_cityscapes

TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'
CONFIG = Path(__file__).resolve().parents[3] / 'configs' / 'demo' / 'dff_pspnet_r18_demo.py'
SMALL = """
_base_ = {base!r}
data_root = {root!r}
model = dict(
    segmentor=dict(init_cfg=None, backbone=dict(base_channels=8, stem_channels=8),
                   decode_head=dict(in_channels=64, channels=8)),
    flow_net=dict(width=0.0625, init_cfg=None))
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(
    data_root=data_root, data_prefix=dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val')))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=2, val_interval=2)
param_scheduler = []
default_hooks = dict(checkpoint=dict(interval=2))
"""


def run_tool(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
    runpy.run_path(str(TOOLS / name), run_name='__main__')


def test_train_and_test(tmp_path, monkeypatch):
    labels = np.arange(32 * 64).reshape(32, 64) // 128
    write_cityscapes(tmp_path, labels=labels, size=(64, 32))
    config = tmp_path / 'small.py'
    config.write_text(SMALL.format(base=str(CONFIG), root=str(tmp_path)))
    work_dir = tmp_path / 'work'
    run_tool(monkeypatch, 'train.py', config, '--work-dir', work_dir)
    run_tool(monkeypatch, 'test.py', config, work_dir / 'iter_2.pth', '--work-dir', tmp_path / 'tested')
    (metrics,) = (tmp_path / 'tested').glob('*/*.json')
    reported = json.loads(metrics.read_text())
    assert {'mIoU', 'mIoU@0', 'mIoU@1', 'mIoU@5', 'mIoU@9'} <= set(reported)
