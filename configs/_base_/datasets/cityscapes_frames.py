# The labeled frames of Cityscapes, one by one, from the same files as cityscapes_video.py.
data_root = 'data/cityscapes'
num_classes = 19
frame_size = (2048, 1024)  # width, height
crop_size = (512, 1024)  # height, width
batch_size = 2  # of one GPU
num_workers = 4

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='RandomResize', scale=frame_size, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=frame_size, keep_ratio=True),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='PackSegInputs'),
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
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **common,
        data_prefix=dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val'),
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
