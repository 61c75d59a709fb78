"""tools/train.py and tools/test.py, run as a user runs them, on generated clips."""

import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import click
import mmaction
import pytest
import torch

from mmvidext.cli.config import load_config
from mmvidext.cli.test import test as test_command
from mmvidext.cli.train import apply_train_flags
from mmvidext.cli.train import train as train_command
from mmvidext.datasets.sthv2_preparation import prepare_sthv2
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from tests.cli.invoke import ROOT, invoke, run_script

CONFIG = 'configs/demo/ms_tsm_r18_demo.py'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('sthv2')
    write_sthv2(root, num_train=8, num_val=4, size=(32, 32), num_frames=8, travel_only=True)
    prepare_sthv2(root, workers=0)
    return root


def run(arguments, **environment):
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', **environment}
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def options(data, epochs, *more):
    """The quickstart's config on other data, without worker processes."""
    values = [f'train_cfg.max_epochs={epochs}', 'train_cfg.val_begin=1', 'train_cfg.val_interval=1', *more]
    for split, name in (('train', 'train'), ('val', 'val'), ('test', 'val')):
        values += [
            f'{split}_dataloader.dataset.ann_file={data}/sthv2_{name}_list_videos.txt',
            f'{split}_dataloader.dataset.data_prefix.video={data}/videos',
            f'{split}_dataloader.dataset.pipeline.3.scale=(32,32)',
            f'{split}_dataloader.num_workers=0',
            f'{split}_dataloader.persistent_workers=False',
            f'{split}_dataloader.batch_size=4',
        ]
    return ['--cfg-options', *values]


@pytest.fixture(scope='module')
def trained(data, tmp_path_factory):
    """One epoch by the script, then a second one with --resume by the command."""
    work_dir = tmp_path_factory.mktemp('work_dir')
    outputs = []
    for epochs, command in enumerate((['tools/train.py'], ['-m', 'mmvidext', 'train']), start=1):
        flags = [CONFIG, '--work-dir', str(work_dir), '--resume', '--seed', '7', *options(data, epochs)]
        result = run([sys.executable, *command, *flags])
        assert result.returncode == 0, result.stderr[-3000:]
        outputs.append(result.stdout)
    return work_dir, outputs


def test_training_saves_resumes_and_flags_win(trained):
    work_dir, (first, second) = trained
    assert 'acc/top1' in first
    assert 'epoch 1 of 2' in second.partition('\nlog')[0]
    assert 'epoch 1 of 2' not in second.partition('\nlog')[2]
    assert 'epoch 2 of 2   loss' in second
    assert 'validation: acc/top1' in second
    logs = [path.read_text() for path in sorted(work_dir.glob('*/*.log'))]
    for epoch, log in enumerate(logs, start=1):
        for text in (f'Epoch(train) [{epoch}][2/2]', 'System environment', 'seed: 7', 'Hooks will be executed'):
            assert text in log
            assert text not in second
            assert (text in first) == (epoch == 1 or not text.startswith('Epoch'))
    assert (work_dir / 'epoch_2.pth').is_file()


def test_evaluation_dumps_predictions_and_reports_classes(trained, data, tmp_path):
    work_dir, _ = trained
    files = {name: tmp_path / name for name in ('dump.pkl', 'metrics.json', 'matrix.png')}
    result = run(
        [
            *(sys.executable, 'tools/test.py', CONFIG, str(work_dir / 'epoch_2.pth'), '--work-dir', str(tmp_path)),
            *('--dump', str(files['dump.pkl']), '--metrics', str(files['metrics.json']), '--per-class'),
            *('--confusion-matrix', str(files['matrix.png']), '--class-names', str(data / 'class_names.txt')),
            *options(data, 2),
        ]
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert '| Pushing something from left to right' in result.stdout
    metrics = json.loads(files['metrics.json'].read_text())
    predictions = pickle.loads(files['dump.pkl'].read_bytes())
    correct = [int(one['pred_score'].argmax()) == int(one['gt_label']) for one in predictions]
    assert len(correct) == 4
    assert metrics['acc/top1'] == pytest.approx(sum(correct) / 4)
    assert files['matrix.png'].stat().st_size > 0


def test_training_starts_from_the_weights_that_the_config_names(trained, data, tmp_path):
    work_dir, _ = trained
    start = work_dir / 'epoch_2.pth'
    values = options(data, 1, f'load_from={start}', 'optim_wrapper.optimizer.lr=0', 'param_scheduler=[]')
    invoke(train_command, ROOT / CONFIG, '--work-dir', tmp_path, '--no-validate', *values)
    expected, found = (torch.load(path)['state_dict'] for path in (start, tmp_path / 'epoch_1.pth'))
    weights = [name for name in expected if name.endswith(('weight', 'bias'))]
    assert all(torch.equal(found[name], expected[name]) for name in weights)


def test_mmaction2s_own_scripts_run_the_config(trained, data, tmp_path):
    work_dir, _ = trained
    scripts = Path(mmaction.__file__).parent / '.mim' / 'tools'
    train = [sys.executable, str(scripts / 'train.py'), CONFIG, '--work-dir', str(tmp_path / 'train')]
    result = run([*train, *options(data, 1)])
    assert result.returncode == 0, result.stderr[-3000:]
    assert (tmp_path / 'train' / 'epoch_1.pth').is_file()
    test = [sys.executable, str(scripts / 'test.py'), CONFIG, str(work_dir / 'epoch_2.pth')]
    result = run([*test, '--work-dir', str(tmp_path / 'test'), *options(data, 1)])
    assert result.returncode == 0, result.stderr[-3000:]
    assert 'acc/top1' in result.stdout


def test_two_processes_train_the_same_model_as_one_with_the_doubled_batch(data, tmp_path):
    """Batch norms frozen; the samples of a step are the same, however they are dealt out."""

    def train(launch, work_dir, batch_size):
        more = [
            'train_dataloader.sampler.shuffle=False',
            '+train_dataloader.dataset.pipeline.1.test_mode=True',
            'train_dataloader.dataset.pipeline.4.flip_ratio=0',
            '+model.backbone.norm_eval=True',
            'optim_wrapper.optimizer.lr=0.01',
        ]
        values = options(data, 1, *more)
        values = [*values, f'train_dataloader.batch_size={batch_size}']
        flags = ['--work-dir', str(work_dir), '--seed', '3', '--no-validate', *values]
        with socket.create_server(('localhost', 0)) as free:
            port = free.getsockname()[1]
        result = run([*launch, *flags], PYTHON=sys.executable, MASTER_PORT=str(port))
        assert result.returncode == 0, result.stderr[-10_000:]  # the launcher's summary alone is 2,000
        return torch.load(work_dir / 'epoch_1.pth', weights_only=True)['state_dict']

    config = tmp_path / 'tsm.py'
    config.write_text(
        f'_base_ = [{str(ROOT / "configs/demo/tsn_r18_demo.py")!r}]\n'
        "model = dict(backbone=dict(type='mmvidext.TSMResNet', num_segments=8))\n"
        "optim_wrapper = dict(_delete_=True, optimizer=dict(type='SGD', lr=0.01, momentum=0.9))\n"
        'param_scheduler = []\n'
    )
    one = train([sys.executable, 'tools/train.py', str(config)], tmp_path / 'one', 4)
    two = train(['bash', 'tools/dist_train.sh', str(config), '2'], tmp_path / 'two', 2)
    assert list(one) == list(two)
    for name, tensor in one.items():
        torch.testing.assert_close(
            two[name], tensor, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f'{name} {text}'
        )


def test_a_users_own_mmaction2_config_takes_our_backbone(tmp_path):
    """Name the package in custom_imports, swap the backbone: everything else stays mmaction2's."""
    config = tmp_path / 'mine.py'
    config.write_text(
        "_base_ = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb.py'\n"
        "custom_imports = dict(imports=['mmvidext'], allow_failed_imports=False)\n"
        "model = dict(backbone=dict(type='mmvidext.MSResNet', num_segments=8, pretrained=None))\n"
    )
    result = run(
        [
            *(sys.executable, '-c'),
            'import sys, torch\n'
            'from mmengine.config import Config\n'
            'from mmengine.registry import init_default_scope\n'
            'from mmaction.registry import MODELS\n'
            'cfg = Config.fromfile(sys.argv[1])\n'
            "init_default_scope('mmaction')\n"
            'model = MODELS.build(cfg.model)\n'
            'model.eval()\n'
            "scores = model(torch.rand(1, 8, 3, 32, 32), mode='tensor', stage='head')\n"
            'print(type(model.backbone).__name__, scores.shape)\n',
            str(config),
        ]
    )
    assert 'MSResNet torch.Size([1, 174])' in result.stdout, result.stderr[-3000:]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([train_command, 'configs/none.py'], 'there is no config configs/none.py'),
        ([train_command, ROOT / CONFIG, '--resume', 'none.pth'], 'there is no checkpoint none.pth'),
    ],
)
def test_errors(arguments, message):
    assert message in invoke(*arguments, status=2)


def test_an_error_of_the_script_is_one_of_usage(capsys):
    run_script('tools/test.py', ROOT / CONFIG, 'none.pth', status=2)
    assert 'there is no checkpoint none.pth' in capsys.readouterr().err


def test_no_data_names_the_preparation_command(tmp_path, monkeypatch, capsys):
    """By the script, whose exit code and last line are those of the command."""
    monkeypatch.chdir(ROOT)
    run_script('tools/train.py', 'configs/ms_tsm_r18_sthv2.py', '--work-dir', tmp_path, status=1)
    assert 'tools/data/prepare_sthv2.py' in capsys.readouterr().err.splitlines()[-1]


def test_a_truncated_checkpoint_is_named(trained, data, tmp_path):
    work_dir, _ = trained
    broken = tmp_path / 'broken.pth'
    broken.write_bytes((work_dir / 'epoch_2.pth').read_bytes()[:100_000])
    output = invoke(test_command, ROOT / CONFIG, broken, '--work-dir', tmp_path, *options(data, 1), status=2)
    assert 'broken.pth is damaged or not a checkpoint: ' in output


def save(content, path):
    torch.save(content, path)
    return path


def test_a_list_without_labels_is_for_dumping_only(trained, data, tmp_path):
    work_dir, _ = trained
    lines = (data / 'sthv2_val_list_videos.txt').read_text().splitlines()
    (tmp_path / 'test.txt').write_text(''.join(f'{line.split()[0]}\n' for line in lines))
    command = [ROOT / CONFIG, work_dir / 'epoch_2.pth', '--work-dir', tmp_path]
    values = [*options(data, 2), f'test_dataloader.dataset.ann_file={tmp_path}/test.txt']
    output = invoke(test_command, *command, *values, status=2)
    assert 'Traceback' not in output
    assert 'needs with_labels=False' in output
    values.append('+test_dataloader.dataset.with_labels=False')
    assert 'have no label: use --dump FILE.pkl' in invoke(test_command, *command, *values, status=1)
    output = invoke(test_command, *command, '--dump', tmp_path / 'dump.pkl', *values)
    assert len(pickle.loads((tmp_path / 'dump.pkl').read_bytes())) == 4
    assert 'acc/top1' not in output


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--confusion-matrix', 'matrix.txt'], 'the file must end in .png, but is matrix.txt'),
        (['--dump', 'dump.txt'], 'the file must end in .pkl or .pickle, but is dump.txt'),
        (['--class-names', CONFIG], '--class-names is for --per-class and --confusion-matrix'),
        (['--class-names', 'none.txt', '--per-class'], "File 'none.txt' does not exist"),
    ],
)
def test_flags_of_the_evaluation_are_checked_first(flags, message, tmp_path):
    weights = save({'a': torch.zeros(1)}, tmp_path / 'weights.pth')
    assert message in invoke(test_command, ROOT / CONFIG, weights, *flags, status=2)


def test_resume_without_a_checkpoint_begins_with_the_weights_of_the_config(tmp_path):
    weights = save({'a': torch.zeros(1)}, tmp_path / 'weights.pth')
    cfg = load_config(ROOT / CONFIG, [f'load_from={weights}'])
    cfg.work_dir = str(tmp_path)
    apply_train_flags(cfg, resume='auto')
    assert (cfg.resume, cfg.load_from) == (False, str(weights))
    run = dict(state_dict={'a': torch.zeros(1)}, optimizer={}, message_hub={}, meta=dict(epoch=1, iter=2))
    newest = save(run, tmp_path / 'epoch_1.pth')
    for hooks in (cfg.default_hooks, dict(checkpoint=None), None):  # None: switched off
        cfg.default_hooks = hooks
        apply_train_flags(cfg, resume='auto')
        assert (cfg.resume, cfg.load_from) == (True, str(newest))
    cfg.update(resume=True, load_from='none.pth')  # one that the config names is checked, too
    with pytest.raises(click.UsageError, match=r'there is no checkpoint none\.pth'):
        apply_train_flags(cfg)


def test_weights_are_not_resumed_from(tmp_path, monkeypatch):
    """Where the config itself asks for resuming: they are for a run that has no checkpoint yet."""
    seen = []

    def stop(runner, load_from, *, resume):
        seen.append((load_from, resume))
        raise click.UsageError('far enough')

    monkeypatch.setattr('mmvidext.cli.train.start_from', stop)
    command = (train_command, ROOT / CONFIG, '--work-dir', tmp_path, '--weights', 'a.pth')
    invoke(*command, '--cfg-options', 'resume=True', 'load_from=b.pth', status=2)
    assert seen == [('a.pth', False)]


@pytest.mark.parametrize(
    ('command', 'flag', 'option', 'message'),
    [
        (test_command, '--show-dir=pictures', 'default_hooks.visualization=None', '--show-dir needs default_hooks'),
        (test_command, '--show-dir=pictures', 'default_hooks=None', '--show-dir needs default_hooks'),
        (train_command, '--auto-scale-lr', '+auto_scale_lr=None', '--auto-scale-lr needs auto_scale_lr'),
    ],
)
def test_what_is_switched_off_is_read_as_missing(command, flag, option, message, tmp_path):
    files = [save({'a': torch.zeros(1)}, tmp_path / 'weights.pth')] if command is test_command else []
    arguments = [ROOT / CONFIG, *files, flag, '--work-dir', tmp_path / 'run', '--cfg-options', option]
    assert message in invoke(command, *arguments, status=2)


@pytest.mark.skipif(torch.cuda.is_available(), reason='mixed precision works here')
def test_mixed_precision_needs_a_device():
    assert '--amp needs a GPU' in invoke(train_command, ROOT / CONFIG, '--amp', status=2)
