# Deep Feature Flow, trained end to end on generated scenes.
_base_ = ['./_base_/segmentation_runtime.py', './_base_/dff_pspnet_r18_demo.py', './_base_/cityscapes_demo.py']

model = dict(
    segmentor=dict(init_cfg=dict(type='Pretrained', checkpoint='work_dirs/pspnet_r18_demo/iter_1500.pth')),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1500, val_interval=1500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-4, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=1500),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1500, max_keep_ckpts=1))
