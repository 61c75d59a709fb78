# vmz_k400.py for 32 frames, of which 4 clips fit a GPU. VMZ has no script for them: the rate is scaled to 8 x 4 clips.
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True),
    paramwise_cfg=dict(custom_keys={'.bias': dict(decay_mult=0.0)}),
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=145, by_epoch=True, milestones=[42, 83, 125], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=145, val_begin=5, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=32)
