# Videos of your own as folders of frames and labels: frames/VIDEO/*.jpg, labels/VIDEO/*.png, and two lists of videos.
# `mmvidext data segmentation` writes a config that sets the names below.
data_root = 'data/small_segmentation'
train_list = f'{data_root}/train.txt'
val_list = f'{data_root}/val.txt'
num_classes = 2
frame_size = (512, 512)  # width, height: frames are resized to fit into it
crop_size = (256, 256)  # height, width
key_frame_interval = 5
batch_size = 4  # of one GPU
num_workers = 2

train_pipeline = [
    dict(type='mmvidext.SampleKeyFrame', distance=(0, 9), clamp=True),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(
        type='mmvidext.ClipTransform',
        transforms=[
            dict(type='RandomResize', scale=frame_size, ratio_range=(0.75, 1.5), keep_ratio=True),
            dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmvidext.PackClipInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='Resize', scale=frame_size, keep_ratio=True)]),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.PackClipInputs'),
]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(
    type='mmvidext.VideoFolderSegDataset',
    data_root=data_root,
    data_prefix=dict(img_path='frames', seg_map_path='labels'),
    metainfo=dict(classes=[f'class {number}' for number in range(num_classes)]),
)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(**common, ann_file=train_list, pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **common,
        ann_file=val_list,
        key_frame_interval=key_frame_interval,
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.IoUMetric')
test_evaluator = val_evaluator
