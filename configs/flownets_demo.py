# A narrow FlowNetS on generated pairs in the format of FlyingChairs, for a CPU:
# python tools/data/make_synthetic.py flying-chairs data/synthetic_chairs --train 1600
_base_ = ['./_base_/flow_runtime.py', './_base_/flownets.py']

data_root = 'data/synthetic_chairs'
train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(type='mmvidext.FlowPairCrop', crop_size=(96, 128)),
    dict(type='mmvidext.PackFlowPair'),
]
test_pipeline = [dict(type='mmvidext.LoadFlowPair'), dict(type='mmvidext.PackFlowPair')]
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5]),
    flow_net=dict(width=0.25),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='mmvidext.FlyingChairsDataset', data_root=data_root, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvidext.FlyingChairsDataset',
        data_root=data_root,
        split='val',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.EndPointError')
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=3000, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, weight_decay=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=3000),
]
default_hooks = dict(
    logger=dict(interval=100),
    checkpoint=dict(interval=3000, max_keep_ckpts=1),
)
