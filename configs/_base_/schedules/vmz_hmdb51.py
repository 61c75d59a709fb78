# VMZ's recipe for fine-tuning on HMDB51: SGD, 8 x 4 clips, 8 epochs, divided by ten after every two.
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=2e-4, momentum=0.9, weight_decay=0.005), clip_grad=dict(max_norm=40, norm_type=2)
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=8, by_epoch=True, milestones=[2, 4, 6], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=8, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=32)
