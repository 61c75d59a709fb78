# Deep Feature Flow on ImageNet DET and VID, 4 GPUs with one pair each. The authors' list holds each of its 111,473
# images twice, once flipped, and is gone through 2 times, with a tenth of the learning rate from 1.333 on. Their
# gradients are summed over the GPUs (lr 2.5e-4, decay 5e-4), ours averaged: a rate 4 times as high and a quarter of the
# decay are the same step. MXNet decays no bias.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=111473, val_interval=111473)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1.25e-4),
    paramwise_cfg=dict(bias_decay_mult=0.0),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[74297], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=4)
