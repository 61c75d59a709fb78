# The official recipe of MotionSqueeze on Something-Something V1: SGD with Nesterov momentum, batch 48, 40 epochs, steps
# at 20 and 30. Its classifier is a convolution, so it learns at the rate of all other layers.
starts_from = 'ImageNet'  # trained without such weights, a run says so
optim_wrapper = dict(
    constructor='TSMOptimWrapperConstructor',
    paramwise_cfg=dict(fc_lr5=False),
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True),
    clip_grad=dict(max_norm=200, norm_type=2),
)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=40, by_epoch=True, milestones=[20, 30], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=40, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=48)
