# (key, current) pairs of VSPW in training; whole videos, as a stream with a key frame every five, in evaluation.
data_root = 'data/VSPW_480p'
train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9), clamp=True),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(
        type='mmvidext.ClipTransform',
        transforms=[
            dict(type='RandomResize', scale=(853, 480), ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=(480, 480), cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
        ],
    ),
    dict(type='mmvidext.PackClipInputs'),
]
test_pipeline = [
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.PackClipInputs'),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='mmvidext.VSPWDataset', data_root=data_root, ann_file='train.txt', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvidext.VSPWDataset',
        data_root=data_root,
        ann_file='val.txt',
        key_frame_interval=5,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvidext.VideoIoUMetric', distances=[0, 1, 2, 3, 4]),
    dict(type='mmvidext.VideoConsistency', window_sizes=[8, 16]),
]
test_evaluator = val_evaluator
