# A narrow FlowNetS on generated pairs in the format of FlyingChairs, for a CPU.
_base_ = [
    '../_base_/flow_runtime.py',
    '../_base_/models/flownets.py',
    '../_base_/datasets/chairs_demo.py',
]

model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5]),
    flow_net=dict(width=0.25),
)
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
