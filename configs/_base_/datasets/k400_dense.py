# Kinetics-400 as mmaction2 prepares it; 8 frames of a window of 64, the "dense" setting of TSM and MotionSqueeze.
data_root = 'data/kinetics400'
train_list = f'{data_root}/kinetics400_train_list_videos.txt'
val_list = f'{data_root}/kinetics400_val_list_videos.txt'
train_videos = f'{data_root}/videos_train'
val_videos = f'{data_root}/videos_val'
num_classes = 400
num_segments = 8
short_side = 256
crop_size = 224
batch_size = 16  # of one GPU
num_workers = 4
hint = 'Make the lists with tools/data/kinetics of MMAction2: https://github.com/open-mmlab/mmaction2'

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='DenseSampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='MultiScaleCrop', input_size=crop_size, scales=(1, 0.875, 0.75, 0.66), num_fixed_crops=13),
    dict(type='Resize', scale=(crop_size, crop_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, flip_label_map={}),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
# ten windows, center crop
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='DenseSampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
# ten windows, three crops of the full height
test_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='DenseSampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='ThreeCrop', crop_size=short_side),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.VideoListDataset', num_classes=num_classes, hint=hint)
train_dataloader = dict(
    **loader,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**common, ann_file=train_list, data_prefix=dict(video=train_videos), pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **common, ann_file=val_list, data_prefix=dict(video=val_videos), pipeline=val_pipeline, test_mode=True
    ),
)
test_dataloader = dict(val_dataloader, batch_size=1, dataset=dict(val_dataloader['dataset'], pipeline=test_pipeline))
val_evaluator = dict(type='mmvidext.AccMetric')
test_evaluator = val_evaluator
