# Clips of a camera that moves over photographs, in the format of Something-Something V2: docs/camera_motion.md
data_root = 'data/camera_motion'
train_list = f'{data_root}/sthv2_train_list_videos.txt'
val_list = f'{data_root}/sthv2_val_list_videos.txt'
videos = f'{data_root}/videos'
num_classes = 7
metainfo = dict(classes=['pan left', 'pan right', 'tilt up', 'tilt down', 'zoom in', 'zoom out', 'still'])
num_segments = 8  # consecutive frames at frame_interval
frame_interval = 3
frame_size = (64, 48)  # width, height
batch_size = 16  # of one GPU
num_workers = 1
sampling = dict(
    type='SampleFrames',
    clip_len=num_segments,
    frame_interval=frame_interval,
    num_clips=1,
    # a video that is too short stands still at its end; the default would jump back to its first frame
    out_of_bound_opt='repeat_last',
)

train_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(**sampling),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='RandomResizedCrop', area_range=(0.5, 1.0), aspect_ratio_range=(0.8, 1.25)),
    dict(type='Resize', scale=frame_size, keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, flip_label_map={0: 1, 1: 0}),  # pan left, pan right
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
val_pipeline = [
    dict(type='mmvidext.InitVideo'),
    dict(**sampling, test_mode=True),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='Resize', scale=frame_size, keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = val_pipeline

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.SthV2Dataset', data_prefix=dict(video=videos), num_classes=num_classes, metainfo=metainfo)
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
