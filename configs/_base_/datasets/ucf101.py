# UCF101, split 1, as mmaction2 prepares it; 8 frames.
data_root = 'data/ucf101'
train_list = f'{data_root}/ucf101_train_split_1_videos.txt'
val_list = f'{data_root}/ucf101_val_split_1_videos.txt'
videos = f'{data_root}/videos'
num_classes = 101
num_segments = 8
short_side = 256
crop_size = 224
batch_size = 8  # of one GPU
num_workers = 4
hint = 'Make the lists with tools/data/ucf101 of MMAction2: https://github.com/open-mmlab/mmaction2'

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='MultiScaleCrop', input_size=crop_size, scales=(1, 0.875, 0.75, 0.66), num_fixed_crops=13),
    dict(type='Resize', scale=(crop_size, crop_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, flip_label_map={}),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
# one clip, center crop
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
# two clips, three crops of the full height
test_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True, twice_sample=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='ThreeCrop', crop_size=short_side),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.VideoListDataset', data_prefix=dict(video=videos), num_classes=num_classes, hint=hint)
train_dataloader = dict(
    **loader,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**common, ann_file=train_list, pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, ann_file=val_list, pipeline=val_pipeline, test_mode=True),
)
test_dataloader = dict(val_dataloader, batch_size=1, dataset=dict(val_dataloader['dataset'], pipeline=test_pipeline))
val_evaluator = dict(type='mmvidext.AccMetric')
test_evaluator = val_evaluator
