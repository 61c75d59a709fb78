# The frames of generated videos in the layout of ImageNet VID, one by one:
# python tools/data/make_synthetic.py imagenet-vid data/synthetic_vid --train 240 --val 60 --size 192x144 --objects 1
# --max-displacement 16 --keep-in-view
data_root = 'data/synthetic_vid'
num_classes = 7
frame_size = (192, 144)  # width, height
batch_size = 8
num_workers = 1

meta_keys = ('img_id', 'img_path', 'video', 'frame_id', 'track_ids', 'ori_shape', 'img_shape', 'scale_factor')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClipBoxes', min_size=1, keep_empty=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=frame_size, keep_ratio=True),
    dict(type='mmvidext.LoadClipBoxes', clip=False),
    dict(type='PackDetInputs', meta_keys=meta_keys),
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
    dataset=dict(
        **common, video_list='VID_val_videos.txt', key_frame_interval=1, test_mode=True, pipeline=val_pipeline
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.VIDMetric')
test_evaluator = val_evaluator
