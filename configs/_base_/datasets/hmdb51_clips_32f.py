# HMDB51, split 1, for networks that read clips, prepared as VMZ does: short side 128 or 160, crop 112, 32
# consecutive frames. One clip validates; ten clips, evenly spaced, test.
data_root = 'data/hmdb51'
train_list = f'{data_root}/hmdb51_train_split_1_videos.txt'
val_list = f'{data_root}/hmdb51_val_split_1_videos.txt'
videos = f'{data_root}/videos'
num_classes = 51
clip_len = 32
short_side = 128
max_short_side = 160
crop_size = 112
test_clips = 10
batch_size = 4  # of one GPU
num_workers = 4
hint = 'Make the lists with tools/data/hmdb51 of MMAction2: https://github.com/open-mmlab/mmaction2'

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
