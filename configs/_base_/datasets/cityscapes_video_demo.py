# Generated scenes in the layout of Cityscapes; a snippet has 9 frames before its labeled one if it is 20 frames long:
# python tools/data/make_synthetic.py cityscapes data/synthetic_cityscapes --train 240 --val 60 --frames 20 \
#     --thin-objects 1
data_root = 'data/synthetic_cityscapes'
num_classes = 19
distances = [0, 1, 5, 9]  # from the key frame, in evaluation
batch_size = 8
num_workers = 1

train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9)),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=0.5)]),
    dict(type='mmvidext.PackClipInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.PackClipInputs'),
]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.CityscapesVideoDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        **common,
        data_prefix=dict(img_path='leftImg8bit_sequence/train', seg_map_path='gtFine/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    **loader,
    batch_size=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **common,
        data_prefix=dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val'),
        distances=distances,
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.VideoIoUMetric', distances=distances)
test_evaluator = val_evaluator
