# Kinetics-400: videos, and lists of "path label" as mmaction2 makes them.
_base_ = './sthv2.py'

data_root = 'data/kinetics400/'
num_classes = 400

# 8 frames of a window of 64: the official 'dense' setting; a mirrored clip keeps its label
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='DenseSampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    *_base_.train_pipeline[2:6],
    dict(type='Flip', flip_ratio=0.5, flip_label_map={}),
    *_base_.train_pipeline[7:],
]
# ten windows, three crops of the full height, as both papers test on Kinetics
test_pipeline = [
    _base_.accurate_test_pipeline[0],
    dict(type='DenseSampleFrames', clip_len=1, frame_interval=1, num_clips=8, test_mode=True),
    *_base_.accurate_test_pipeline[2:],
]

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file=data_root + 'kinetics400_train_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos_train'),
        num_classes=num_classes,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file=data_root + 'kinetics400_val_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos_val'),
        num_classes=num_classes,
    ),
)
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        ann_file=data_root + 'kinetics400_val_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos_val'),
        num_classes=num_classes,
        pipeline=test_pipeline,
    ),
)
