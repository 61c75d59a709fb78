# HMDB51, split 1, for networks that read clips of 32 frames; lists as mmaction2 makes them.
_base_ = './k400_clips_32f.py'

data_root = 'data/hmdb51/'
num_classes = 51
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
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=val_set)
test_dataloader = dict(dataset=val_set)
