# The generated clips of tools/quickstart.sh: an object that moves, to the right, to the left, upward or downward.
data_root = 'data/quickstart'
train_list = f'{data_root}/sthv2_train_list_videos.txt'
val_list = f'{data_root}/sthv2_val_list_videos.txt'
videos = f'{data_root}/videos'
num_classes = 4
num_segments = 8
frame_size = (64, 48)  # width, height
batch_size = 8  # of one GPU
num_workers = 1
flip_label_map = {2: 3, 3: 2}  # to the right, to the left

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=frame_size, keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, flip_label_map=flip_label_map),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=frame_size, keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = val_pipeline

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.SthV2Dataset', data_prefix=dict(video=videos), num_classes=num_classes)
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
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.AccMetric')
test_evaluator = val_evaluator
