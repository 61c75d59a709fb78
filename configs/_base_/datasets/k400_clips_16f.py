# Kinetics-400 for networks that read clips, prepared as VMZ does: short side 128 or 160, crop 112, 16 consecutive
# frames. One clip validates; ten clips, evenly spaced, test.
data_root = 'data/kinetics400'
train_list = f'{data_root}/kinetics400_train_list_videos.txt'
val_list = f'{data_root}/kinetics400_val_list_videos.txt'
train_videos = f'{data_root}/videos_train'
val_videos = f'{data_root}/videos_val'
num_classes = 400
clip_len = 16
short_side = 128
max_short_side = 160
crop_size = 112
test_clips = 10
batch_size = 24  # of one GPU
num_workers = 4
hint = 'Make the lists with tools/data/kinetics of MMAction2: https://github.com/open-mmlab/mmaction2'

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1),
    dict(type='mmvidext.DecodeVideo'),
    dict(
        type='RandomChoice',
        transforms=[[dict(type='Resize', scale=(-1, short_side))], [dict(type='Resize', scale=(-1, max_short_side))]],
    ),
    dict(type='RandomCrop', size=crop_size),
    dict(type='Flip', flip_ratio=0.5, flip_label_map={}),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=test_clips, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCTHW'),
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
