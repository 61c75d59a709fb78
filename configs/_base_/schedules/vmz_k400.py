# VMZ's scripts/train_r2plus1d_kinetics.sh for 18 layers and 8 frames: SGD with Nesterov momentum, 8 GPUs with 32 clips,
# rate 0.01 for each GPU, 35 epochs of a million clips each, divided by ten after every ten; no decay of biases. A
# million clips are 4.15 passes over the 240,000 training videos.
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.08, momentum=0.9, weight_decay=1e-4, nesterov=True),
    paramwise_cfg=dict(custom_keys={'.bias': dict(decay_mult=0.0)}),
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=145, by_epoch=True, milestones=[42, 83, 125], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=145, val_begin=5, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=256)
