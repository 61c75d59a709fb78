"""The flow configs: models and pipelines can be built, and mmengine's runner trains and evaluates the demo."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmvidext.registry import MODELS
from tests.datasets.flow_files import write_chairs

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = ['demo/flownets_demo.py', *sorted(path.name for path in CONFIGS.glob('flownet*.py'))]


@pytest.mark.parametrize('name', NAMES)
def test_model_and_pipelines(name):
    config = Config.fromfile(CONFIGS / name)
    init_default_scope(config.default_scope)
    with torch.device('meta'):
        assert type(MODELS.build(config.model)).__name__ == 'FlowEstimator'
    height, width = 436, 1024
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    results = dict(img1=images[0], img2=images[1], gt_flow=np.ones((height, width, 2), np.float32))
    results['gt_valid'] = np.ones((height, width), bool)
    for loader in (config.train_dataloader, config.val_dataloader):
        item = Compose(loader.dataset.pipeline[1:])(dict(results))
        assert item['inputs'].shape[:2] == (2, 3)
        assert item['inputs'].shape[2:] == item['data_samples'].gt_valid.shape
        assert item['data_samples'].gt_flow.isfinite().all()


def test_demo_trains_and_evaluates(tmp_path):
    write_chairs(tmp_path / 'data', codes=(1, 1, 2), height=96, width=128)
    config = Config.fromfile(CONFIGS / 'demo' / 'flownets_demo.py')
    config.work_dir = str(tmp_path / 'work')
    config.model.flow_net.width = 0.125
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(tmp_path / 'data')
        loader.update(batch_size=1, num_workers=0, persistent_workers=False)
    config.train_cfg.update(max_iters=2, val_interval=2)
    config.default_hooks.checkpoint.interval = 2
    runner = Runner.from_cfg(config)
    runner.train()
    values = runner.test()
    assert set(values) == {'flow/EPE', 'flow/Fl-all', 'flow/EPE_zero'}
    assert (tmp_path / 'work' / 'iter_2.pth').is_file()
