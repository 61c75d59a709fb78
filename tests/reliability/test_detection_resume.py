"""Deep Feature Flow on ImageNet VID, killed in the middle and resumed, ends bitwise equal to the run that was not."""

import secrets
import signal

import pytest

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmengine.config import Config

from tests.configs.paths import CONFIGS
from tests.datasets.imagenet_vid_files import write_imagenet_vid
from tests.reliability.tiny_run import in_child, newest, train
from tools.chaos import differences, state


def detection(root, work_dir, *, workers):
    """Return the demo's config, with key frames and flips drawn at random, 8 iterations long."""
    cfg = Config.fromfile(CONFIGS / 'demo/dff_fcos_r18_vid_demo.py')
    cfg.model.detector.init_cfg = None
    cfg.model.flow_net.update(init_cfg=None, width=0.0625)
    cfg.train_dataloader.update(batch_size=2, num_workers=workers, persistent_workers=workers > 0)
    cfg.train_dataloader.dataset.data_root = str(root)
    cfg.train_cfg.update(max_iters=8, val_interval=100)
    cfg.default_hooks.checkpoint.update(interval=3, max_keep_ckpts=-1)
    cfg.update(
        val_dataloader=None,
        val_cfg=None,
        val_evaluator=None,
        param_scheduler=[dict(type='CosineAnnealingLR', by_epoch=False, end=8)],
        randomness=dict(seed=3),
        work_dir=str(work_dir),
        experiment_name=f'detection_{secrets.token_hex(4)}',
        log_level='ERROR',
    )
    return cfg.to_dict()


@pytest.mark.parametrize('workers', [0, 2])
def test_resumed_equals_uninterrupted(workers, tmp_path):
    write_imagenet_vid(tmp_path / 'vid')
    whole, parts = (detection(tmp_path / 'vid', tmp_path / name, workers=workers) for name in ('whole', 'parts'))
    assert in_child(train, whole) == 0
    assert in_child(train, parts, kill=dict(at=5)) == -signal.SIGKILL
    assert newest(tmp_path / 'parts').name == 'iter_3.pth'
    assert in_child(train, parts, resume=newest(tmp_path / 'parts')) == 0
    one, other = (state(newest(tmp_path / name)) for name in ('whole', 'parts'))
    assert newest(tmp_path / 'parts').name == newest(tmp_path / 'whole').name
    assert list(differences(one, other)) == []
    assert len(one['scalars']['train/loss'][0]) == 8
