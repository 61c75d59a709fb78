# DeepLabV2's 20,000 iterations on PASCAL VOC at batch 10; head and neck learn ten times as fast.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=2000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0), neck=dict(lr_mult=10.0))),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=20000, by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=10)
