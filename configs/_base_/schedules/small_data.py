# A few hundred videos: rate 0.02 at batch 8, 40 epochs, steps at 26 and 36. From weights of the same network, half the
# epochs will do.
max_epochs = 40
learning_rate = 0.02
optim_wrapper = dict(
    constructor='TSMOptimWrapperConstructor',
    paramwise_cfg=dict(fc_lr5=False),
    optimizer=dict(type='SGD', lr=learning_rate, momentum=0.9, weight_decay=5e-4, nesterov=True),
    clip_grad=dict(max_norm=200, norm_type=2),
)
val_interval = max(1, max_epochs // 20)  # epochs from one validation and checkpoint to the next
milestones = [max_epochs * 13 // 20, max_epochs * 9 // 10]
param_scheduler = [dict(type='MultiStepLR', begin=0, end=max_epochs, by_epoch=True, milestones=milestones, gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_begin=1, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=8)
