"""A training or an evaluation of a second, in which a chosen process stops, dies, or is slow."""

import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS
from torch import nn

NUM_SAMPLES = 40


@DATASETS.register_module(force=True)
class StallingDataset(BaseDataset):
    """Sends a signal to the process that loads a sample; says which process loads the first ones.

    ``limit`` is the name and the value of a limit of the system that the process gets.
    """

    def __init__(self, *, number=None, seconds=0.0, marks=None, limit=None, **kwargs):
        self.number, self.seconds, self.marks, self.limit = number, seconds, marks, limit
        super().__init__(**kwargs)

    def load_data_list(self):
        return [{} for _ in range(NUM_SAMPLES)]

    def prepare_data(self, idx):
        if self.marks:
            (Path(self.marks) / str(os.getpid())).touch()
        if idx == 9 and self.number:
            time.sleep(1)  # until the batch before has been fetched: that needs the process that made it
            os.kill(os.getpid(), self.number)
        if idx == 9 and self.limit:
            name, value = self.limit
            if name == 'RLIMIT_NOFILE':  # so many more than are open
                value += len(os.listdir('/proc/self/fd'))
            resource.setrlimit(getattr(resource, name), (value, value))
        time.sleep(self.seconds)
        return dict(inputs=torch.full((3,), float(idx)))


@MODELS.register_module(force=True)
class StallingModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, inputs, mode='tensor'):
        out = self.layer(torch.stack(list(inputs)))
        return dict(loss=out.mean()) if mode == 'loss' else list(out)


@METRICS.register_module(force=True)
class StallingMetric(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += [float(sample) for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results))


@HOOKS.register_module(force=True)
class StallHook(Hook):
    """Lets one rank sleep, or stops the workers, whose batches wait; leaves a mark when each rank has come that far."""

    def __init__(self, *, rank=None, marks=None, stop_workers=False):
        self.rank, self.marks, self.stop_workers = rank, marks, stop_workers

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2:
            if self.marks:
                (Path(self.marks) / str(os.getpid())).touch()
            if runner.rank == self.rank:
                time.sleep(600)
            if self.stop_workers:
                time.sleep(1)  # until the next batches are on their way
                for worker in multiprocessing.active_children():
                    os.kill(worker.pid, STOP)

    after_test_iter = after_train_iter


def write_config(folder, *, workers=0, timeout=None, dist_timeout=None, hook=None, **dataset):
    """Write a config, and a checkpoint beside it; return their paths."""
    loader = dict(
        batch_size=4,
        num_workers=workers,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='StallingDataset', serialize_data=False, **dataset),
    )
    if timeout:
        loader['timeout'] = timeout
    Config(
        dict(
            custom_imports=dict(imports=['mmvidext', 'tests.reliability.stalling_run'], allow_failed_imports=False),
            default_scope='mmengine',
            model=dict(type='StallingModel'),
            train_dataloader=loader,
            test_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=3),
            test_cfg=dict(),
            test_evaluator=dict(type='StallingMetric'),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.0)),
            custom_hooks=[dict(type='StallHook', **hook)] if hook else [],
            env_cfg=dict(mp_cfg=dict(mp_start_method='fork'), dist_cfg=dict(backend='nccl', timeout=dist_timeout)),
            work_dir=str(folder / 'work_dir'),
        )
    ).dump(folder / 'config.py')
    torch.save({'state_dict': StallingModel().state_dict()}, folder / 'weights.pth')
    return folder / 'config.py', folder / 'weights.pth'


STOP, KILL = int(signal.SIGSTOP), int(signal.SIGKILL)
