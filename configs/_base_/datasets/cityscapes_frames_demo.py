# Labeled frames of generated scenes, one by one; the same data as in cityscapes_video_demo.py, or with one frame each:
# python tools/data/make_synthetic.py cityscapes data/synthetic_cityscapes --frames 1 --train 240
data_root = 'data/synthetic_cityscapes'
num_classes = 19
batch_size = 8
num_workers = 1

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
val_pipeline = [dict(type='LoadImageFromFile'), dict(type='mmvidext.LoadClipAnnotations'), dict(type='PackSegInputs')]
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
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
