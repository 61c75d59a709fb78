# HMDB51, split 1, 8 frames; lists as mmaction2 makes them.
_base_ = './k400.py'

data_root = 'data/hmdb51/'
num_classes = 51
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    *_base_.train_pipeline[2:],
]
test_pipeline = _base_.accurate_test_pipeline
train_set = dict(
    ann_file=data_root + 'hmdb51_train_split_1_videos.txt',
    data_prefix=dict(video=data_root + 'videos'),
    num_classes=num_classes,
)
val_set = dict(
    ann_file=data_root + 'hmdb51_val_split_1_videos.txt',
    data_prefix=dict(video=data_root + 'videos'),
    num_classes=num_classes,
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **train_set))
val_dataloader = dict(dataset=val_set)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **val_set))
