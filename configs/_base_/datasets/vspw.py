# (key, current) pairs of VSPW in training; in evaluation whole videos, as a stream with a key frame every
# key_frame_interval frames.
data_root = 'data/VSPW_480p'
num_classes = 124
frame_size = (853, 480)  # width, height
crop_size = (480, 480)  # height, width
key_frame_interval = 5
batch_size = 1  # of one GPU
num_workers = 4

train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9), clamp=True),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(
        type='mmvidext.ClipTransform',
        transforms=[
            dict(type='RandomResize', scale=frame_size, ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
        ],
    ),
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
common = dict(type='mmvidext.VSPWDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(**common, ann_file='train.txt', pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **common, ann_file='val.txt', key_frame_interval=key_frame_interval, test_mode=True, pipeline=val_pipeline
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvidext.VideoIoUMetric', distances=list(range(key_frame_interval))),
    dict(type='mmvidext.VideoConsistency', window_sizes=[8, 16]),
]
test_evaluator = val_evaluator
