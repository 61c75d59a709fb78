# ImageNet DET and VID with the lists of Deep Feature Flow: (key, current) pairs in training, whole videos with a key
# frame every key_frame_interval frames in evaluation.
data_root = 'data/ILSVRC2015'
num_classes = 30
frame_size = (1000, 600)  # the longest and the shortest side, at most
key_frame_interval = 10
batch_size = 1  # of one GPU
num_workers = 4

train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9), clamp=True),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipBoxes', min_size=1, keep_empty=False),
    dict(
        type='mmvidext.ClipTransform',
        transforms=[dict(type='Resize', scale=frame_size, keep_ratio=True), dict(type='RandomFlip', prob=0.5)],
    ),
    dict(type='mmvidext.PackClipDetInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='Resize', scale=frame_size, keep_ratio=True)]),
    dict(type='mmvidext.LoadClipBoxes', clip=False),
    dict(type='mmvidext.PackClipDetInputs'),
]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.ImageNetVIDDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **common,
        image_list='DET_train_30classes.txt',
        frame_list='VID_train_15frames.txt',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='mmvidext.VideoSampler'),
    dataset=dict(
        **common,
        video_list='VID_val_videos.txt',
        key_frame_interval=key_frame_interval,
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.VIDMetric')
test_evaluator = val_evaluator
