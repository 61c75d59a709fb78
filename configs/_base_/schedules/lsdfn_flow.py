# LS-DFN on FlyingChairs: a quarter of S_long
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300000, val_interval=25000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.999), weight_decay=4e-4),
    paramwise_cfg=dict(bias_decay_mult=0.0),
)
param_scheduler = dict(type='MultiStepLR', by_epoch=False, milestones=[100000, 150000, 200000, 250000], gamma=0.5)
auto_scale_lr = dict(enable=False, base_batch_size=16)
