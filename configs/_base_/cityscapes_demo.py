# Generated scenes in the layout of Cityscapes; a snippet has 9 frames before its labelled one if it is 20 frames long:
# python tools/data/make_synthetic.py cityscapes data/synthetic_cityscapes --train 240 --val 60 --frames 20 \
#     --thin-objects 1
_base_ = './cityscapes_video.py'

data_root = 'data/synthetic_cityscapes'
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        pipeline=[
            dict(type='mmvidext.SampleKeyFrame', distance=(0, 9)),
            dict(type='mmvidext.LoadClip'),
            dict(type='mmvidext.LoadClipAnnotations'),
            dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=0.5)]),
            dict(type='mmvidext.PackClipInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        pipeline=[
            dict(type='mmvidext.LoadClip'),
            dict(type='mmvidext.LoadClipAnnotations'),
            dict(type='mmvidext.PackClipInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
