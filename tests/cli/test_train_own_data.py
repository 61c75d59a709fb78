"""Training on a folder that `mmvidext data` has written: which config, which start, and the names in the checkpoint."""

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmvidext.apis.weights import fit_for_training
from mmvidext.cli.data import data
from mmvidext.cli.predict import predict
from mmvidext.cli.test import test as test_command
from mmvidext.cli.train import train
from tests.cli.invoke import invoke
from tests.configs.paths import CONFIGS
from tests.datasets.videos import write_video
from tests.oracles.official_weights import random_values, resnet2d

SMALL = ('max_epochs=1', 'short_side=32', 'crop_size=32', 'num_workers=0', 'batch_size=2', 'num_segments=2')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('own') / 'my videos'
    for number, name in enumerate(('左', 'b c')):
        (root / name).mkdir(parents=True)
        for clip in range(3):
            write_video(root / name / f'{clip} x.webm', seed=number)
    invoke(data, 'folder', root, '--workers', 0)
    return root


def build(name, **backbone):
    config = Config.fromfile(CONFIGS / f'{name}_small_data.py')
    config.model.backbone.update(backbone)
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(config.model)


def test_data_train_test_predict(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(build('tsm_r18').state_dict(), tmp_path / 'tsm.pth')
    invoke(train, folder, '--model', 'tsm_r18', '--weights', 'tsm.pth', '--cfg-options', *SMALL)
    work_dir = tmp_path / 'work_dirs' / 'my videos_tsm_r18'
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == ('b c', '左')
    log = next(work_dir.glob('*/*.log')).read_text()
    assert 'tsm.pth: ' in log
    assert 'not loaded: cls_head.fc_cls.weight is (6, 512) instead of (2, 512)' in log
    options = ('--per-class', '--show-dir', 'shown', '--cfg-options', *SMALL[1:])
    invoke(test_command, folder / 'tsm_r18.py', work_dir / 'epoch_1.pth', *options)
    shown = sorted((tmp_path / 'shown').iterdir())
    assert len(shown) == 2
    assert cv2.imread(str(shown[0])).shape == (60 * 5 + 5 * 32, 64 * 5, 3)
    tested = max((path for path in work_dir.glob('*/*.log')), key=lambda path: path.stat().st_mtime).read_text()
    assert '| 左' in tested
    assert '%  左' in invoke(predict, 'work_dirs/my videos_tsm_r18', folder / '左' / '0 x.webm')


def test_the_model_is_for_a_folder(folder):
    assert '--model is for a folder' in invoke(train, CONFIGS / 'tsm_r18_sthv2.py', '--model', 'x', status=2)
    output = ' '.join(invoke(train, folder.parent, '--model', 'tsm_r18', status=2).split())
    assert 'holds no config that mmvidext data wrote: run mmvidext data folder' in output
    assert 'no recipe of tsm_r17' in invoke(train, folder, '--model', 'tsm_r17', status=2)


def test_weights_of_less_than_the_whole_network(tmp_path):
    model = build('ms_tsm_r18')
    torch.save(build('tsm_r18').state_dict(), tmp_path / 'tsm.pth')
    fit = fit_for_training(model, tmp_path / 'tsm.pth')
    assert any('motion_squeeze' in name for name in fit.skipped)
    torch.save(random_values(resnet2d(18)), tmp_path / 'resnet18.pth')
    fit = fit_for_training(model, tmp_path / 'resnet18.pth')
    assert 'backbone.layer1.0.conv2.conv.weight' in fit.weights
    assert set(fit.weights) <= set(model.state_dict())
    with pytest.raises(ValueError, match='does not fit the Recognizer2D'):
        fit_for_training(build('ms_tsm_r50'), tmp_path / 'resnet18.pth')
