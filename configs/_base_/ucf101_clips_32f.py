# UCF101, split 1, for networks that read clips of 32 frames; lists as mmaction2 makes them.
_base_ = './k400_clips_32f.py'

data_root = 'data/ucf101/'
num_classes = 101
train_set = dict(
    ann_file=data_root + 'ucf101_train_split_1_videos.txt',
    data_prefix=dict(video=data_root + 'videos'),
    num_classes=num_classes,
)
val_set = dict(
    ann_file=data_root + 'ucf101_val_split_1_videos.txt',
    data_prefix=dict(video=data_root + 'videos'),
    num_classes=num_classes,
)
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=val_set)
test_dataloader = dict(dataset=val_set)
