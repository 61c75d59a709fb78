# (key, current) pairs of generated videos in the layout of ImageNet VID; in evaluation each frame from the tenth on, at
# four distances from its key frame:
# python tools/data/make_synthetic.py imagenet-vid data/synthetic_vid --train 240 --val 60 --size 192x144 --objects 1
# --max-displacement 16 --keep-in-view
data_root = 'data/synthetic_vid'
num_classes = 7
frame_size = (192, 144)  # width, height
distances = [0, 1, 5, 9]  # from the key frame, in evaluation
batch_size = 8
num_workers = 1

train_pipeline = [
    # half of the samples are their own key frames, as the still images in the official mixture of DET and VID
    dict(type='mmvidext.SampleKeyFrame', distance=(1, 9), zero_probability=0.5, clamp=True),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipBoxes', min_size=1, keep_empty=False),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=0.5)]),
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
common = dict(
    type='mmvidext.ImageNetVIDDataset',
    data_root=data_root,
    metainfo=dict(classes=('bicycle', 'bus', 'car', 'bird', 'dog', 'horse', 'sheep')),
)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**common, frame_list='VID_train_15frames.txt', pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    batch_size=4,
    sampler=dict(type='mmvidext.VideoSampler'),
    dataset=dict(**common, video_list='VID_val_videos.txt', distances=distances, test_mode=True, pipeline=val_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.VIDMetric', distances=distances, motion=False)
test_evaluator = val_evaluator
