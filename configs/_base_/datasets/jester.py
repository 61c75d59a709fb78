# Jester: folders of frames (five digits, from 00001.jpg on) and lists of "folder frames label". Many gestures have
# a direction, and none is mirrored.
data_root = 'data/jester'
train_list = f'{data_root}/jester_train_list_rawframes.txt'
val_list = f'{data_root}/jester_val_list_rawframes.txt'
frames = f'{data_root}/rawframes'
num_classes = 27
num_segments = 8
short_side = 256
crop_size = 224
batch_size = 16  # of one GPU
num_workers = 4
hint = 'Make the lists with tools/data/jester of MMAction2: https://github.com/open-mmlab/mmaction2'

train_pipeline = [
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments),
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='MultiScaleCrop', input_size=crop_size, scales=(1, 0.875, 0.75, 0.66), num_fixed_crops=13),
    dict(type='Resize', scale=(crop_size, crop_size), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
# one clip, center crop
val_pipeline = [
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=num_segments, test_mode=True),
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, short_side)),
    dict(type='CenterCrop', crop_size=crop_size),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = val_pipeline

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.FrameListDataset', data_prefix=dict(img=frames), num_classes=num_classes, hint=hint)
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
