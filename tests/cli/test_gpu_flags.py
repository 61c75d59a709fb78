"""What the flags for GPUs write into a config."""

import click
import pytest
import torch
from mmengine.config import Config

from mmvidext.cli.gpu_flags import (
    evaluate_in_half_precision,
    prepare_loaders,
    train_in_mixed_precision,
    use_channels_last,
    use_compiler,
)


def config(**kwargs):
    return Config(dict(optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), **kwargs))


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    before = torch.get_autocast_dtype('cuda')
    yield
    torch.set_autocast_dtype('cuda', before)


@pytest.mark.usefixtures('gpu')
@pytest.mark.parametrize(
    ('precision', 'dtype', 'loss_scale'),
    [('fp16', 'float16', 'dynamic'), ('bf16', 'bfloat16', dict(enabled=False))],
)
def test_training_in_mixed_precision(precision, dtype, loss_scale):
    cfg = config()
    train_in_mixed_precision(cfg, precision)
    wrapper = cfg.optim_wrapper
    assert (wrapper.type, wrapper.dtype, wrapper.loss_scale) == ('AmpOptimWrapper', dtype, loss_scale)
    cfg = config()
    evaluate_in_half_precision(cfg, precision)
    assert cfg.test_cfg.fp16
    assert torch.get_autocast_dtype('cuda') == getattr(torch, dtype)


def test_mixed_precision_without_a_gpu(monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cpu')
    with pytest.raises(click.UsageError, match='--amp needs a GPU'):
        train_in_mixed_precision(config(), 'bf16')
    with pytest.raises(click.UsageError, match='--amp fp16 needs a GPU; on a CPU use --amp bf16'):
        evaluate_in_half_precision(config(), 'fp16')
    cfg = config(test_cfg=dict(type='TestLoop'))
    evaluate_in_half_precision(cfg, 'bf16')
    assert cfg.test_cfg == dict(type='TestLoop', fp16=True)


@pytest.mark.usefixtures('gpu')
def test_another_optimizer_wrapper_is_not_replaced():
    cfg = Config(dict(optim_wrapper=dict(type='ApexOptimWrapper')))
    with pytest.raises(click.UsageError, match="--amp cannot replace the optim_wrapper 'ApexOptimWrapper'"):
        train_in_mixed_precision(cfg, 'fp16')


def test_compile_keeps_its_options():
    plain, chosen = config(), config(compile=dict(mode='reduce-overhead'))
    use_compiler(plain)
    use_compiler(chosen)
    assert plain.compile is True
    assert chosen.compile == dict(mode='reduce-overhead')


def test_channels_last_is_added_once():
    cfg = config(custom_hooks=[dict(type='mmvidext.BadFilesHook')])
    use_channels_last(cfg)
    use_channels_last(cfg)
    assert [hook.type for hook in cfg.custom_hooks] == ['mmvidext.BadFilesHook', 'mmvidext.ChannelsLastHook']


@pytest.mark.parametrize(
    ('launcher', 'variables', 'workers'),
    [
        ('none', dict(SLURM_NTASKS_PER_NODE='8'), 24),  # one process in a job
        ('slurm', dict(SLURM_NTASKS_PER_NODE='8'), 3),
        ('slurm', dict(SLURM_NTASKS_PER_NODE='8', SLURM_CPUS_PER_TASK='2'), 2),
        ('slurm', dict(SLURM_NTASKS_PER_NODE='8', SLURM_CPUS_PER_TASK='32'), 24),
        ('mpi', dict(OMPI_COMM_WORLD_LOCAL_SIZE='4'), 6),
        ('mpi', dict(OMPI_COMM_WORLD_LOCAL_SIZE='48'), 1),
    ],
)
def test_each_launcher_says_how_many_share_the_cores(launcher, variables, workers, monkeypatch):
    monkeypatch.setattr('os.sched_getaffinity', lambda _: set(range(24)), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cfg = config(train_dataloader=dict(), launcher=launcher)
    prepare_loaders(cfg, 'auto')
    assert cfg.train_dataloader.num_workers == workers


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr('os.sched_getaffinity', lambda _: set(range(24)), raising=False)
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '4')
    loaders = dict(train_dataloader=dict(num_workers=2), test_dataloader=dict(num_workers=2), val_dataloader=None)
    cfg = config(**loaders, launcher='pytorch')
    prepare_loaders(cfg, 'auto')
    assert cfg.train_dataloader == dict(num_workers=6, persistent_workers=True, pin_memory=False)
    prepare_loaders(cfg, '0')
    assert cfg.test_dataloader == dict(num_workers=0, persistent_workers=False, pin_memory=False)
    cfg = config(val_dataloader=[dict(num_workers=2), dict(num_workers=3)])
    prepare_loaders(cfg, '1')
    assert cfg.val_dataloader == [dict(num_workers=1, persistent_workers=True, pin_memory=False)] * 2
    with pytest.raises(click.UsageError, match="--workers must be a number or auto, not 'many'"):
        prepare_loaders(cfg, 'many')


@pytest.mark.usefixtures('gpu')
def test_memory_is_pinned_for_a_gpu_unless_the_config_says_otherwise():
    cfg = config(train_dataloader=dict(num_workers=2), test_dataloader=dict(pin_memory=False))
    prepare_loaders(cfg, None)
    assert cfg.train_dataloader == dict(num_workers=2, pin_memory=True)
    assert cfg.test_dataloader == dict(pin_memory=False)
