# Videos as folders of frames and labels: frames/SPLIT/VIDEO/*.jpg, labels/SPLIT/VIDEO/*.png. For your own, change the
# variables below. These are generated:
# python tools/data/make_synthetic.py video-folders data/synthetic_videos
data_root = 'data/synthetic_videos'
train_frames = 'frames/train'
train_labels = 'labels/train'
val_frames = 'frames/val'
val_labels = 'labels/val'
test_frames = val_frames
metainfo = dict(
    classes=('road', 'vegetation', 'car', 'bus', 'person', 'rider', 'bicycle', 'traffic sign', 'traffic light'),
    palette=[
        [128, 64, 128],
        [107, 142, 35],
        [0, 0, 142],
        [0, 60, 100],
        [220, 20, 60],
        [255, 0, 0],
        [119, 11, 32],
        [220, 220, 0],
        [250, 170, 30],
    ],
)
# value in the label files to class; 255 is ignored, here a pole. None: the values are the classes.
label_map = {0: 0, 8: 1, 13: 2, 15: 3, 11: 4, 12: 5, 18: 6, 7: 7, 6: 8, 5: 255}
num_classes = len(metainfo['classes'])
key_frame_interval = 5
batch_size = 8
num_workers = 1

train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9), clamp=True),
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
common = dict(type='mmvidext.VideoFolderSegDataset', data_root=data_root, metainfo=metainfo)
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        data_prefix=dict(img_path=train_frames, seg_map_path=train_labels),
        label_map=label_map,
        pipeline=train_pipeline,
        **common,
    ),
    **loader,
)
val_dataloader = dict(
    batch_size=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        data_prefix=dict(img_path=val_frames, seg_map_path=val_labels),
        label_map=label_map,
        key_frame_interval=key_frame_interval,
        test_mode=True,
        pipeline=val_pipeline,
        **common,
    ),
    **loader,
)
# a test split without labels: a mask is written for every frame
test_dataloader = dict(
    batch_size=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        data_prefix=dict(img_path=test_frames),
        with_labels=False,
        key_frame_interval=key_frame_interval,
        test_mode=True,
        pipeline=test_pipeline,
        **common,
    ),
    **loader,
)
val_evaluator = dict(type='mmvidext.VideoIoUMetric', distances=list(range(key_frame_interval)))
test_evaluator = dict(type='mmvidext.IoUMetric', format_only=True, output_dir='work_dirs/predictions')
