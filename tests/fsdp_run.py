"""``mmvidext train`` on clips and with a hook of its own: ``torchrun --nproc-per-node 2 -m tests.fsdp_run CONFIG ...``.

See tests/configs/test_fsdp.py.
"""

import json
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, HOOKS
from torch.utils.data import Dataset

from mmvidext.cli.train import train

# after mmvidext, which cures what keeps it from being imported
from mmaction.structures import ActionDataSample  # isort: skip

CONFIG = Path(__file__).resolve().parents[1] / 'configs' / 'tsm_r50_sthv2_fsdp.py'


@DATASETS.register_module()
class FewClips(Dataset):
    """Eight clips of 8 frames with 4 labels; one number of a clip is as ``value`` says."""

    def __init__(self, value=None):
        self.value = value

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        inputs = torch.randint(256, (8, 3, 32, 32), generator=generator).float()
        if self.value is not None and index == 1:
            inputs[0, 0, 0, 0] = float(self.value)
        return dict(inputs=inputs, data_samples=ActionDataSample().set_gt_label(index % 4))


@HOOKS.register_module()
class PrintPartsHook(Hook):
    """Print how much of weights and optimizer state this process holds."""

    def after_train(self, runner):
        held = sum(parameter.numel() for parameter in runner.model.parameters())
        state = [value for values in runner.optim_wrapper.optimizer.state.values() for value in values.values()]
        loss = runner.message_hub.get_scalar('train/loss').current()
        rank = torch.distributed.get_rank()
        line = dict(rank=rank, held=held, state=sum(value.numel() for value in state), loss=loss)
        sys.stdout.write(json.dumps(line) + '\n')


def config(**dataset):
    cfg = Config.fromfile(CONFIG)
    cfg.model.backbone.update(depth=18, pretrained=None)
    cfg.model.cls_head.update(in_channels=512, num_classes=4, dropout_ratio=0.0)
    cfg.train_dataloader = dict(
        batch_size=2,
        num_workers=0,
        dataset=dict(type='FewClips', **dataset),
        sampler=dict(type='DefaultSampler', shuffle=True),
    )
    for key in ('val', 'test'):
        cfg[f'{key}_dataloader'] = cfg[f'{key}_cfg'] = cfg[f'{key}_evaluator'] = None
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2)
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[1])]
    cfg.custom_hooks.append(dict(type='PrintPartsHook'))
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    return cfg


if __name__ == '__main__':
    train([*sys.argv[1:], '--launcher', 'pytorch', '--seed', '0'])
