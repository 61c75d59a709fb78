# No propagation: the boxes of the key frame are copied, and at distance 0 this is frame by frame. Trained on key
# frames, from the FCOS of fcos_r18_vid_demo.py and as long as the configs that propagate.
_base_ = [
    '../_base_/detection_runtime.py',
    '../_base_/models/dff_fcos_r18_demo.py',
    '../_base_/datasets/imagenet_vid_demo.py',
    '../_base_/schedules/vid_demo.py',
]

model = dict(
    detector=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/fcos_r18_vid_demo/iter_1000.pth'),
        bbox_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    scale_map=False,
    freeze=('feature',),
)
train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=0),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipBoxes', min_size=1, keep_empty=False),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=0.5)]),
    dict(type='mmvidext.PackClipDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# the detector has been trained: its features stay, and its heads learn slowly
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'detector': dict(lr_mult=0.2)}))
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(interval=50, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=1000, max_keep_ckpts=1),
)
