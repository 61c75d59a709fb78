"""Training on a folder that `mmvidext data` has written: which config, which start, and the names in the checkpoint."""

import subprocess
import sys
from types import SimpleNamespace

import click
import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmvidext.apis.weights import fit_for_training
from mmvidext.cli.config import load_config
from mmvidext.cli.data import data
from mmvidext.cli.predict import predict
from mmvidext.cli.test import test as test_command
from mmvidext.cli.train import _command_that_shows, train, warn_of_unlisted
from mmvidext.cli.trained_settings import other_settings
from mmvidext.models.flow import FlowEstimator
from mmvidext.models.segmentors import DeepFeatureFlow
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
    printed = invoke(train, folder, '--model', 'tsm_r18', '--weights', 'tsm.pth', '--cfg-options', *SMALL).splitlines()
    assert printed[1] == 'model     tsm_r18 (Recognizer2D, TSMResNet)', printed
    assert printed[2:4] == ['classes   2: b c, 左', 'data      4 samples for training, 2 for validation']
    assert printed[5] == 'weights   tsm.pth'
    assert printed[-1] == "to see it at work: mmvidext predict 'work_dirs/my videos_tsm_r18' VIDEO"
    work_dir = tmp_path / 'work_dirs' / 'my videos_tsm_r18'
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == ('b c', '左')
    log = next(work_dir.glob('*/*.log')).read_text()
    assert 'tsm.pth: ' in log
    assert 'not loaded: cls_head.fc_cls.weight is (6, 512) instead of (2, 512)' in log
    options = ('--per-class', '--show-dir', 'shown', '--cfg-options', *SMALL[1:])
    trained_config = (work_dir / 'tsm_r18.py').read_text()
    printed = invoke(test_command, folder, work_dir, *options)  # which recipe and checkpoint, the run's folder says
    assert printed.splitlines()[-1] == 'wrote shown'
    shown = sorted((tmp_path / 'shown').iterdir())
    assert len(shown) == 2
    assert cv2.imread(str(shown[0])).shape == (60 * 5 + 5 * 32, 64 * 5, 3)
    tested = next((work_dir / 'test').glob('*/*.log')).read_text()
    assert '| 左' in tested
    assert 'was trained with' not in tested
    assert (work_dir / 'tsm_r18.py').read_text() == trained_config
    assert 'other classes' not in tested
    (folder / 'classes.txt').write_text('b c\n右\n', encoding='utf-8')  # the data changed after the training
    again = invoke(test_command, work_dir / 'tsm_r18.py', work_dir, '--work-dir', tmp_path / 'again')
    assert 'nothing reads' not in again
    assert "epoch_1.pth was trained on other classes than those of the test data: class 1 is '左' there" in again
    assert '%  左' in invoke(predict, 'work_dirs/my videos_tsm_r18', folder / '左' / '0 x.webm')


def test_an_evaluation_with_other_settings_than_the_training(folder, tmp_path):
    config = load_config(folder / 'tsm_r18.py', ['short_side=32', 'crop_size=32', 'max_epochs=1'])
    config.dump(tmp_path / 'tsm_r18.py')  # as training does beside its checkpoints
    checkpoint = tmp_path / 'epoch_1.pth'
    assert other_settings(config, checkpoint) == []
    longer = load_config(folder / 'tsm_r18.py', ['short_side=32', 'crop_size=32'])
    assert other_settings(longer, checkpoint) == []  # of no weight for an evaluation
    larger = load_config(folder / 'tsm_r18.py', ['short_side=32', 'crop_size=48', 'max_epochs=1'])
    assert other_settings(larger, checkpoint) == ['crop_size=32 (here 48)']
    assert other_settings(larger, folder / 'epoch_1.pth') == []  # the config itself, from which nothing was trained
    (tmp_path / 'tsm_r18.py').write_text('raise SystemExit("run")')
    assert other_settings(larger, checkpoint) == []


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (['+model.backbone.shift_div=4'], ['model.backbone.shift_div=4 (here 8)']),
        (['+model.backbone.with_cp=True', '+launcher=pytorch', 'batch_size=2'], []),
        (
            ['model.data_preprocessor.mean=[0,0,0]'],
            ['model.data_preprocessor.mean=[0, 0, 0] (here [123.675, 116.28, 103.53])'],
        ),
        (['+model.backbone.causal=True'], ['+model.backbone.causal=True (here nothing)']),
        (['+model.cls_head.topk=1', 'model.cls_head.init_std=0.1', '+model.backbone.partial_bn=True'], []),
        (
            [f'{split}_dataloader.dataset.pipeline.3.scale=(-1,99)' for split in ('val', 'test')],
            ['test_dataloader.dataset.pipeline.3.scale=(-1, 99) (here (-1, 112))'],
        ),
        (['num_segments=2'], ['num_segments=2 (here 8)', 'test_dataloader.dataset.pipeline.1.num_clips=2 (here 8)']),
    ],
)
def test_what_decides_a_test_is_told(options, told, tmp_path):
    path = CONFIGS / 'tsm_r18_small_data.py'
    load_config(path, options).dump(tmp_path / path.name)
    assert other_settings(load_config(path), tmp_path / 'epoch_1.pth') == told


def test_a_variable_is_told_in_the_place_of_what_is_set_from_it(tmp_path):
    loader = 'test_dataloader = dict(dataset=dict(pipeline=[dict(type="Resize", scale=frame_size)]))'
    for folder, size in (('then', (64, 48)), ('now', (48, 36))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'a.py').write_text(f'frame_size = {size}\nmodel = dict(type="A")\n{loader}\n')
    load_config(tmp_path / 'then' / 'a.py').dump(tmp_path / 'then' / 'a.py')
    now = load_config(tmp_path / 'now' / 'a.py')
    assert other_settings(now, tmp_path / 'then' / 'a.pth') == ['frame_size=(64, 48) (here (48, 36))']


def test_a_run_in_the_folder_of_an_earlier_one_is_said(tmp_path, monkeypatch):
    said = []

    def stop(runner, load_from, *, resume):
        raise click.UsageError('far enough')

    monkeypatch.setattr('mmvidext.cli.train.print_log', lambda text, **_: said.append(text))
    monkeypatch.setattr('mmvidext.cli.train.start_from', stop)
    command = (train, CONFIGS / 'tsm_r18_sthv2.py', '--work-dir', tmp_path)
    for flags in ((), ('--resume',)):
        assert 'far enough' in invoke(*command, *flags, status=2)
        assert not said
    torch.save({'state_dict': {}}, tmp_path / 'epoch_7.pth')
    invoke(*command, status=2)
    assert len(said) == 1
    assert f'{tmp_path} holds checkpoints of an earlier run, for example epoch_7.pth' in said[0]


def test_videos_that_were_added_after_the_lists_are_told(tmp_path, monkeypatch):
    """Not those that a table leaves out, nor those that cannot be read, which the report has."""
    said, root, lists = [], tmp_path / 'videos', tmp_path / 'lists'
    monkeypatch.setattr('mmvidext.cli.train.print_log', lambda text, **_: said.append(text))
    for name in ('a', 'b'):
        (root / name).mkdir(parents=True)
        for clip in range(2):
            write_video(root / name / f'{clip}.webm', seed=clip)
    (root / 'a' / 'bad.webm').write_bytes(b'no video')
    monkeypatch.chdir(root)
    invoke(data, 'folder', '.', '--workers', 0, '--out', lists)
    warn_of_unlisted(load_config(lists / 'ms_tsm_r18.py'), lists)
    assert not said
    for path in ('b/2.webm', 'new class/0.webm'):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes((root / 'a' / '0.webm').read_bytes())
    warn_of_unlisted(load_config(lists / 'ms_tsm_r18.py'), lists)
    assert len(said) == 1
    assert f'{root}/b/2.webm and 1 more are in no list, and not trained on: run ' in said[0]
    assert f'run mmvidext data folder {root} --out {lists} again' in said[0]
    table = tmp_path / 'table.csv'
    table.write_text('path,label\n' + ''.join(f'{name}/{clip}.webm,{name}\n' for name in 'ab' for clip in range(2)))
    invoke(data, 'folder', root, '--workers', 0, '--out', lists, '--annotations', table)
    warn_of_unlisted(load_config(lists / 'ms_tsm_r18.py'), lists)
    assert len(said) == 1


@pytest.mark.parametrize('lists', ['.', 'the lists', '..'])
def test_a_folder_that_is_moved_trains(lists, tmp_path, monkeypatch):
    """Also with mmaction2's own tool, wherever the lists are inside of the folder, or it inside of them."""
    monkeypatch.chdir(tmp_path)
    before, after = tmp_path / "Anna's" / 'videos', tmp_path / "文 Ben's" / 'videos'
    for name in ('左', 'b c'):
        (before / name).mkdir(parents=True)
        for clip in range(3):
            write_video(before / name / f'{clip} x.webm', seed=clip)
    invoke(data, 'folder', before, '--out', before / lists, '--workers', 0, '--model', 'tsm_r18')
    before.parent.rename(after.parent)
    config = (after / lists / 'tsm_r18.py').resolve()
    assert str(tmp_path) not in config.read_text()
    invoke(train, config.parent, '--work-dir', 'ours', '--cfg-options', *SMALL)
    assert (tmp_path / 'ours' / 'epoch_1.pth').is_file()
    if lists == '.':
        mmaction = [sys.executable, '-m', 'mmvidext', 'run', 'mmaction::train', config, '--work-dir', 'mmaction']
        options = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=2', 'model.backbone.num_segments=8']
        subprocess.run([*mmaction, '--cfg-options', *options], check=True, capture_output=True)
        assert (tmp_path / 'mmaction' / 'epoch_1.pth').is_file()


def test_data_that_lies_elsewhere_keeps_its_path(folder, tmp_path):
    invoke(data, 'folder', folder, '--out', tmp_path / 'lists', '--workers', 0, '--model', 'tsm_r18')
    (tmp_path / 'lists').rename(tmp_path / 'moved')
    config = Config.fromfile(tmp_path / 'moved' / 'tsm_r18.py')
    assert (config.data_root, config.lists) == (str(folder), str(tmp_path / 'moved'))


def test_a_last_batch_of_one_sample(folder, tmp_path):
    """One frame, of which the network leaves one value per channel: 4 samples in batches of 3."""
    sizes = [option for option in SMALL if 'batch_size' not in option and 'segments' not in option]
    command = (train, folder, '--model', 'tsn_r18', '--work-dir', tmp_path, '--cfg-options', 'num_segments=1')
    output = invoke(*command, 'batch_size=3', *sizes, status=1)
    assert output.splitlines()[-1] == (
        'Error: batch normalization cannot train on a single value per channel (its input was [1, 512, 1, 1]): the '
        'last batch of an epoch has one sample, as 4 samples go into batches of 3: leave it out with --cfg-options '
        '+train_dataloader.drop_last=True, or choose another train_dataloader.batch_size'
    )
    invoke(*command, 'batch_size=3', '+train_dataloader.drop_last=True', *sizes)
    output = invoke(*command, 'batch_size=1', *sizes, status=1)
    assert output.splitlines()[-1].endswith('train_dataloader.batch_size is 1, set 2 or more')


def test_a_list_that_is_gone(folder, tmp_path):
    (tmp_path / 'ms_tsm_r18.py').write_text((folder / 'ms_tsm_r18.py').read_text())
    (tmp_path / 'classes.txt').write_text('a\nb\n')
    output = ' '.join(invoke(train, tmp_path, '--work-dir', tmp_path / 'work', status=1).split())
    assert f'there is no annotation file {tmp_path}/train.txt' in output


def test_the_model_is_for_a_folder(folder):
    assert 'there is no folder vidoes' in invoke(train, 'vidoes', '--model', 'tsm_r18', status=2)
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


def test_the_command_that_shows_what_was_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'run').mkdir()
    for name in ('epoch_1.pth', 'best_mIoU_iter_1.pth', 'flownets.py'):
        (tmp_path / 'run' / name).touch()

    def command(cls, scope):
        runner = SimpleNamespace(cfg=Config(dict(default_scope=scope)), work_dir='run', model=cls.__new__(cls))
        return _command_that_shows(runner)

    files = 'run/flownets.py run/best_mIoU_iter_1.pth VIDEO'
    assert command(DeepFeatureFlow, 'mmseg') == f'mmvidext segment {files} out.mp4'
    assert command(FlowEstimator, 'mmengine') == f'mmvidext flow {files} --picture flow.mp4'
    assert command(torch.nn.Linear, 'mmaction') == 'mmvidext predict run VIDEO'
    assert command(torch.nn.Linear, 'mmseg') == ''


@pytest.mark.parametrize('iterations', [1, 9, 2000])
def test_a_short_training_has_a_schedule(iterations):
    first, second = load_config('mmvidext::flownets_small_data', [f'max_iters={iterations}']).param_scheduler
    assert 0 == first['begin'] < first['end'] == second['begin'] == max(1, iterations // 10) < second['end']
    assert second['end'] == max(iterations, 2)


def test_only_a_config_that_training_wrote_is_read_without_a_warning(tmp_path, monkeypatch):
    seen = []

    def stop(config, *, warns, **_):
        seen.append(warns)
        raise click.UsageError('far enough')

    monkeypatch.setattr('mmvidext.cli.test.load_run_config', stop)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'run').mkdir()
    for name in ('a.pth', 'run/a.pth', 'run/tsm.py'):
        (tmp_path / name).touch()
    for config, checkpoint in (
        ('mmvidext::tsm_r18_sthv2', 'a.pth'),
        ('run/tsm.py', 'a.pth'),
        (tmp_path / 'run' / 'tsm.py', 'run/a.pth'),
    ):
        invoke(test_command, config, checkpoint, status=2)
    assert seen == [True, True, False]
    (tmp_path / 'saved').mkdir()
    assert 'no whole checkpoint in saved' in invoke(test_command, 'run/tsm.py', 'saved', status=2)
    (tmp_path / 'saved' / 'best_top1_epoch_1.pth').touch()  # an out_dir of the hook, where there is no config
    assert 'far enough' in invoke(test_command, 'run/tsm.py', 'saved', status=2)
