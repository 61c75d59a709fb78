# Deep Feature Flow, 8 GPUs with one pair each: 20,000 iterations, the last quarter at a tenth of the learning rate.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=2000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[15000], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=8)
