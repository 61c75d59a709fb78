"""Two steps of configs/tsm_r50_sthv2_fsdp.py with a smaller network; prints what each process holds.

``torchrun --nproc-per-node 2 -m tests.fsdp_run``, see tests/configs/test_fsdp.py.
"""

import json
from pathlib import Path

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import FlexibleRunner
from torch.utils.data import Dataset

from mmvidext.registry import MODELS

CONFIG = Path(__file__).resolve().parents[1] / 'configs' / 'tsm_r50_sthv2_fsdp.py'


class Clips(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        inputs = torch.randint(256, (8, 3, 32, 32), dtype=torch.uint8, generator=generator)
        return dict(inputs=inputs, data_samples=ActionDataSample().set_gt_label(index % 4))


def main():
    torch.distributed.init_process_group('gloo')  # mmengine would set a CUDA device
    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIG)
    cfg.model.backbone.depth = 18
    cfg.model.cls_head.update(in_channels=512, num_classes=4)
    cfg.strategy.model_wrapper.device_id = 'cpu'
    runner = FlexibleRunner(
        model=cfg.model,
        work_dir='work_dir',
        strategy=cfg.strategy,
        train_dataloader=dict(
            batch_size=2, dataset=Clips(), num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False)
        ),
        optim_wrapper=cfg.optim_wrapper,
        train_cfg=dict(by_epoch=True, max_epochs=1),
        default_hooks=dict(checkpoint=None, logger=None),
        launcher='pytorch',
        env_cfg=dict(dist_cfg=dict(backend='gloo')),
        randomness=dict(seed=0),
        default_scope='mmaction',
        cfg=cfg,
    )
    whole = sum(parameter.numel() for parameter in MODELS.build(cfg.model).parameters())
    runner.train()
    held = sum(parameter.numel() for parameter in runner.model.parameters())
    state = [value for values in runner.optim_wrapper.optimizer.state.values() for value in values.values()]
    loss = runner.message_hub.get_scalar('train/loss').current()
    rank = torch.distributed.get_rank()
    print(json.dumps(dict(rank=rank, whole=whole, held=held, state=sum(v.numel() for v in state), loss=loss)))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main()
