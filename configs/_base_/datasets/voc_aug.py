# PASCAL VOC 2012 with the extra annotations (SegmentationClassAug), cropped and enlarged as DeepLabV2 does.
data_root = 'data/VOCdevkit/VOC2012'
num_classes = 21
frame_size = (500, 500)  # the largest side of the pictures
crop_size = (321, 321)
batch_size = 10
num_workers = 4

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=frame_size, ratio_range=(0.5, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
val_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='PascalVOCDataset', data_root=data_root)
official = dict(img_path='JPEGImages', seg_map_path='SegmentationClass')
augmented = dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug')
lists = 'ImageSets/Segmentation'
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(**common, data_prefix=official, ann_file=f'{lists}/train.txt', pipeline=train_pipeline),
            dict(**common, data_prefix=augmented, ann_file=f'{lists}/aug.txt', pipeline=train_pipeline),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, data_prefix=official, ann_file=f'{lists}/val.txt', pipeline=val_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
