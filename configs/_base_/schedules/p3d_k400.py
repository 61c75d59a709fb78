# P3D on Kinetics-400: there is no official recipe, so the passes and steps of VMZ's, rate 0.04 at batch 128.
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.04, momentum=0.9, weight_decay=1e-4), clip_grad=dict(max_norm=40, norm_type=2)
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=145, by_epoch=True, milestones=[42, 83, 125], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=145, val_begin=5, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=128)
