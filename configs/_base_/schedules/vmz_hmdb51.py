# VMZ's scripts/finetune_hmdb51.sh: SGD with Nesterov momentum, 8 GPUs with 4 clips, rate 0.0002 for each GPU, 8
# epochs of 40,000 clips each, divided by ten after every two; no decay of biases. 320,000 clips are 90 passes over the
# 3,570 videos of split 1.
starts_from = 'Kinetics-400'  # trained without such weights, a run says so
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1.6e-3, momentum=0.9, weight_decay=0.005, nesterov=True),
    paramwise_cfg=dict(custom_keys={'.bias': dict(decay_mult=0.0)}),
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=90, by_epoch=True, milestones=[22, 45, 67], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90, val_begin=5, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=32)
