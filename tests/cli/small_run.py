"""A runner of mmengine whose training takes no time."""

import numpy as np
import torch
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset


class Samples(Dataset):
    @property
    def metainfo(self):
        return dict(classes=[f'class {number}' for number in range(10)])

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.full((3,), float(index))


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, *inputs, mode='tensor'):
        value = self.linear(torch.stack(inputs)).square().mean()
        return dict(loss=value) if mode == 'loss' else [value]


class Constant:
    """A metric of eight numbers and a list."""

    dataset_meta = None

    def process(self, data_batch, data_samples):
        pass

    def evaluate(self, size):
        return {**{f'm{number}': np.float32(number / 3) for number in range(8)}, 'aside': [1]}


def build(folder, kind, train_cfg, **more):
    more.setdefault('default_hooks', dict(checkpoint=None))
    loader = dict(dataset=Samples(), batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False))
    return kind(
        Line(),
        work_dir=str(folder),
        train_dataloader=loader,
        train_cfg=train_cfg,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.25)),
        val_dataloader=loader,
        val_cfg=dict(),
        val_evaluator=[Constant()],
        experiment_name=folder.name,
        **more,
    )
