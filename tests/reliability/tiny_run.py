"""A training run of a second on generated arrays, with all that can go wrong with the state: dropout, batch norm,
augmentation by all three generators, EMA, early stopping, a schedule. It can be killed anywhere.
"""

import importlib
import multiprocessing
import os
import random
import secrets
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.registry import DATA_SAMPLERS, DATASETS, HOOKS, METRICS, MODELS, OPTIM_WRAPPERS
from mmengine.runner import Runner
from torch import nn

os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')  # or the question below spoils forked processes for CUDA
ON_GPU = torch.cuda.is_available()
DEVICE = 'cuda' if ON_GPU else 'cpu'  # that mmengine chooses
if ON_GPU:
    os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # as --deterministic does
NUM_SAMPLES = 24
ITERATIONS = 18  # 3 epochs of 6 batches of 4


@DATASETS.register_module(force=True)
class TinyDataset(BaseDataset):
    """Four numbers a sample, disturbed by all three generators."""

    METAINFO: ClassVar = {'classes': ('a', 'b')}

    def load_data_list(self):
        random.random(), np.random.rand(), torch.rand(1)  # as one that splits its videos at random
        return [dict(value=float(index)) for index in range(NUM_SAMPLES)]

    def get_cat_ids(self, idx):
        return [int(idx < 4)]

    def prepare_data(self, idx):
        noise = (random.random(), np.random.rand(), float(torch.rand(())))
        return dict(inputs=torch.tensor([self.get_data_info(idx)['value'] / NUM_SAMPLES, *noise]))


@DATA_SAMPLERS.register_module(force=True)
class GrowingBatches:
    """A user's batch sampler without attributes: batches of 2, 3, 4, 5, 2, ... samples."""

    def __init__(self, sampler, batch_size):
        self.order = sampler

    def __len__(self):
        return 7

    def __iter__(self):
        order = iter(self.order)
        for number in range(len(self)):
            yield list(islice(order, 2 + number % 4))


@DATA_SAMPLERS.register_module(force=True)
class BudgetBatches:
    """A user's batch sampler that fills each batch up to a cost: how many there are depends on the order."""

    def __init__(self, sampler, batch_size, length=None):
        self.sampler, self.length = sampler, length

    def __len__(self):
        return self.length or sum(1 for _ in self)

    def __iter__(self):
        batch, cost = [], 0
        for index in self.sampler:
            if len(batch) > 1 and cost + index % 11 > 19:
                yield batch
                batch, cost = [], 0
            batch.append(index)
            cost += index % 11
        if len(batch) > 1:  # for the normalization
            yield batch


@MODELS.register_module(force=True)
class TinyModel(BaseModel):
    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Dropout(0.5), nn.Linear(width, 1))

    def forward(self, inputs, mode='tensor'):
        inputs = torch.stack(list(inputs))
        out = self.layers(inputs)
        if mode == 'loss':
            return dict(loss=(out.float() - inputs.sum(1, keepdim=True)).square().mean())
        return list(out)


@METRICS.register_module(force=True)
class TinyMetric(BaseMetric):
    """The mean output, which draws random numbers too: a validation must not change the training."""

    def process(self, data_batch, data_samples):
        random.random(), np.random.rand(), torch.rand(3)
        self.results += [float(sample) for sample in data_samples]

    def compute_metrics(self, results):
        return dict(score=sum(results) / len(results))


@OPTIM_WRAPPERS.register_module(force=True)
class ScaledOptimWrapper(OptimWrapper):
    """What mmengine's AmpOptimWrapper does, which needs a GPU: bfloat16 and a loss scale, on a CPU, too."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.loss_scaler = torch.amp.GradScaler(DEVICE, init_scale=8.0, growth_interval=5)

    def optim_context(self, model):
        return torch.autocast(DEVICE, torch.bfloat16)

    def backward(self, loss, **kwargs):
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs):
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()

    def state_dict(self):
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict):
        self.loss_scaler.load_state_dict(state_dict.pop('loss_scaler'))
        super().load_state_dict(state_dict)


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """End the process at the end of an iteration, or in a validation, as a power cut does."""

    priority = 'LOWEST'

    def __init__(self, at=None, in_val=None, number=signal.SIGKILL):
        self.at, self.in_val, self.number = at, in_val, int(number)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at:
            os.kill(os.getpid(), self.number)

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.in_val:
            os.kill(os.getpid(), self.number)


def config(work_dir, *, by_epoch=True, interval=None, workers=0, persistent=False, exact=True, seed=3, **more):
    """Return the arguments of a Runner."""
    loader = dict(batch_size=4, num_workers=workers, persistent_workers=persistent and workers > 0)
    if workers:
        loader['multiprocessing_context'] = 'fork'
    sampler = dict(type='DefaultSampler' if by_epoch else 'InfiniteSampler', shuffle=True)
    cfg = dict(
        model=dict(type='TinyModel'),
        work_dir=str(work_dir),
        train_dataloader=dict(**loader, sampler=sampler, dataset=dict(type='TinyDataset', serialize_data=False)),
        val_dataloader=dict(
            batch_size=8,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='TinyDataset', serialize_data=False),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=3) if by_epoch else dict(by_epoch=False, max_iters=ITERATIONS),
        val_cfg=dict(),
        val_evaluator=dict(type='TinyMetric'),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
        param_scheduler=[
            dict(type='OneCycleLR', eta_max=0.02, total_steps=ITERATIONS, by_epoch=False),
            dict(type='MultiStepLR', milestones=[2], by_epoch=True),
        ],
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook',
                by_epoch=by_epoch if interval is None else False,
                interval=interval or (1 if by_epoch else 6),
                max_keep_ckpts=2,
                save_best='score',
                rule='greater',
            ),
            logger=dict(type='LoggerHook', interval=1),
        ),
        custom_hooks=[
            dict(type='EMAHook'),
            dict(type='EarlyStoppingHook', monitor='score', rule='greater', patience=100),
        ],
        default_scope='mmengine',
        randomness=dict(seed=seed, deterministic=ON_GPU),
        experiment_name=f'tiny_{secrets.token_hex(4)}',  # or a forked child would begin with the log of its parent
        log_level='ERROR',
        visualizer=dict(type='Visualizer', vis_backends=[]),
    )
    if not by_epoch:
        cfg['train_cfg']['val_interval'] = 6
    if exact:
        cfg['custom_hooks'].append(dict(type='mmvidext.ExactResumeHook'))
    for key, value in more.items():
        cfg[key] = {**cfg[key], **value} if isinstance(value, dict) else value
    return cfg


def train(cfg, *, kill=None, resume=None):
    """Train in this process. ``kill`` are the arguments of KillHook, ``resume`` a checkpoint."""
    hooks = [*cfg['custom_hooks'], *([dict(type='KillHook', **kill)] if kill else [])]
    resume = dict(resume=resume is not None, load_from=resume and str(resume))
    runner = Runner.from_cfg(Config({**cfg, **resume, 'custom_hooks': hooks}))
    runner.train()
    return runner


def local_rank(rank):
    """Return the number of a process's GPU: gloo shares one, NCCL does not."""
    return rank % torch.cuda.device_count() if ON_GPU else rank


def process_context():
    """Return how processes are started: forked, but on a GPU from one that has not used it, or they could not."""
    if not ON_GPU:
        return multiprocessing.get_context('fork')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['tests.reliability.tiny_run', 'mmvidext.engine', 'tools.chaos'])
    return context


def call_after_imports(modules, function, args, kwargs):
    for name in modules:
        importlib.import_module(name)
    function(*args, **kwargs)


def in_child(function, *args, **kwargs):
    """Call a function in another process; return the exit code, negative if a signal ended it."""
    modules = [name for name in sys.modules if name.startswith('tests.reliability.')]  # whose hooks a config may name
    process = process_context().Process(target=call_after_imports, args=(modules, function, args, kwargs))
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        raise TimeoutError('the run hangs')
    return process.exitcode


def newest(work_dir):
    """Return the newest checkpoint by the iteration that it holds."""
    files = [path for path in Path(work_dir).glob('*.pth') if not path.name.startswith('best_')]
    return max(files, key=lambda path: torch.load(path)['meta']['iter'])


def kill_in_save(number):
    """Make this process die just before its ``number``-th file operation from now on: open to write, rename, remove."""
    left = [number]

    def count(event, args):
        writes = event == 'open' and isinstance(args[1], str) and ('w' in args[1] or 'a' in args[1])
        if (writes or event in ('os.rename', 'os.remove')) and _is_saved(str(args[0])):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _is_saved(path):
    return '.pth' in path or 'last_checkpoint' in path
