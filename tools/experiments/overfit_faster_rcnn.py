"""mmdet's Faster R-CNN R50-FPN for the two images that overfit_two_images.py writes.

From random weights, with batch norms that learn; custom_imports is all that it is told of this package.
"""

_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmvidext'], allow_failed_imports=False)
model = dict(
    backbone=dict(init_cfg=None, frozen_stages=-1, norm_eval=False),
    rpn_head=dict(anchor_generator=dict(scales=[4])),
    roi_head=dict(bbox_head=dict(num_classes=2)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100)),  # as in training: it has learned no other proposals
)
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(160, 128), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=meta_keys),
]
data_root = 'work_dirs/overfit_two_images/'
loader = dict(num_workers=0, persistent_workers=False)
common = dict(
    _delete_=True,
    type='CocoDataset',
    data_root=data_root,
    ann_file='two.json',
    data_prefix=dict(img=''),
    metainfo=dict(classes=('red', 'blue')),
)
train_dataloader = dict(
    **loader,
    batch_size=2,
    sampler=dict(_delete_=True, type='InfiniteSampler'),
    batch_sampler=None,
    dataset=dict(**common, pipeline=train_pipeline),
)
val_dataloader = dict(**loader, dataset=dict(**common, test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=f'{data_root}two.json')
test_evaluator = val_evaluator

train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=500, val_interval=500)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.0),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=20, end=500),
]
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(_delete_=True, type='CheckpointHook', by_epoch=False, interval=500),
)
log_processor = dict(by_epoch=False, window_size=10)
randomness = dict(seed=0)
