"""The config for videos of one's own trains, and writes the predictions of a split without labels."""

import cv2
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmvidext.datasets.synthetic.random_scene import SceneOptions
from mmvidext.datasets.synthetic.video_folders_writer import write_video_folders
from tests.configs.paths import CONFIGS


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('videos')
    write_video_folders(path, SceneOptions((64, 32), 11, 2.0, thin_objects=1), num_train=2, num_val=2)
    return path


def test_train_then_predict(folder, tmp_path):
    config = Config.fromfile(CONFIGS / 'demo' / 'dff_pspnet_r18_folders_demo.py')
    config.work_dir = str(tmp_path / 'work')
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(folder)
    config.train_cfg.update(max_iters=1, val_interval=1)
    config.test_evaluator.output_dir = str(tmp_path / 'masks')
    runner = Runner.from_cfg(config)
    runner.train()
    assert runner.test() == {}
    masks = sorted((tmp_path / 'masks').rglob('*.png'))
    frames = sorted((folder / 'frames' / 'val').rglob('*.jpg'))
    assert [(mask.parent.name, mask.stem) for mask in masks] == [(frame.parent.name, frame.stem) for frame in frames]
    mask = cv2.imread(str(masks[0]), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (32, 64)
    assert mask.max() < config.num_classes


def test_a_video_that_is_there_is_kept(folder):
    times = {path: path.stat().st_mtime_ns for path in folder.rglob('*.png')}
    assert len(times) == 44
    (folder / 'labels' / 'val' / 'video_1' / '11.png').unlink()
    write_video_folders(folder, SceneOptions((64, 32), 11, 2.0, thin_objects=1), num_train=2, num_val=2)
    changed = {path.parent.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert changed == {'video_1'}
