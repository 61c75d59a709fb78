# The videos of small_data.py for networks that read clips: every other frame of a second or so.
data_root = 'data/small'
train_list = f'{data_root}/train.txt'
val_list = f'{data_root}/val.txt'
videos = f'{data_root}/videos'
num_classes = 6
clip_len = 16
frame_interval = 2
short_side = 128
crop_size = 112
flip_ratio = 0
batch_size = 8  # of one GPU
num_workers = 2
hint = 'Each line of the list is: path of a video, relative to data_root/videos, a space, number of the class'

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=frame_interval, num_clips=1),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='MultiScaleCrop', input_size=crop_size, scales=(1, 0.875, 0.75, 0.66), num_fixed_crops=13),
    dict(type='Resize', scale=(crop_size, crop_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=flip_ratio, flip_label_map={}),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
# one clip, center crop
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=frame_interval, num_clips=1, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = val_pipeline

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.VideoListDataset', data_prefix=dict(video=videos), num_classes=num_classes, hint=hint)
train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**common, ann_file=train_list, pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, ann_file=val_list, pipeline=val_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.AccMetric')
test_evaluator = val_evaluator
