# Frame by frame on generated scenes.
_base_ = [
    '../_base_/segmentation_runtime.py',
    '../_base_/models/pspnet_r18_demo.py',
    '../_base_/datasets/cityscapes_frames_demo.py',
]

model = dict(decode_head=dict(num_classes=_base_.num_classes))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1500, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=1500),
]
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=1500, max_keep_ckpts=1))
