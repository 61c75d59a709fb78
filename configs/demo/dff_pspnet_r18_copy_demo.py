# No propagation: the labels of the key frame are copied, and at distance 0 this is frame by frame. Trained on key
# frames, from the PSPNet of pspnet_r18_demo.py and as long as the configs that propagate.
_base_ = [
    '../_base_/segmentation_runtime.py',
    '../_base_/models/dff_pspnet_r18_demo.py',
    '../_base_/datasets/cityscapes_video_demo.py',
    '../_base_/schedules/dff_demo.py',
]

model = dict(
    segmentor=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/pspnet_r18_demo/iter_1500.pth'),
        decode_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    scale_map=False,
)
train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=0),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=0.5)]),
    dict(type='mmvidext.PackClipInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1500, max_keep_ckpts=1))
