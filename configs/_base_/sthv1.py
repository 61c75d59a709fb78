# Something-Something V1: folders of frames (five digits, from 00001.jpg on) and lists of "folder frames label". Classes
# are in alphabetical order, as in the official lists of TSM and MotionSqueeze and as in V2.
_base_ = './sthv2.py'

data_root = 'data/sthv1/'
dataset_type = 'mmvidext.SthV1Dataset'

# frames are read from pictures, so nothing is opened first, and decoding is another transform
train_pipeline = [_base_.train_pipeline[1], dict(type='RawFrameDecode'), *_base_.train_pipeline[3:]]
val_pipeline = [_base_.val_pipeline[1], dict(type='RawFrameDecode'), *_base_.val_pipeline[3:]]
test_pipeline = val_pipeline
accurate_test_pipeline = [
    _base_.accurate_test_pipeline[1],
    dict(type='RawFrameDecode'),
    *_base_.accurate_test_pipeline[3:],
]

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        ann_file=data_root + 'sthv1_train_list_rawframes.txt',
        data_prefix=dict(_delete_=True, img=data_root + 'rawframes'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        ann_file=data_root + 'sthv1_val_list_rawframes.txt',
        data_prefix=dict(_delete_=True, img=data_root + 'rawframes'),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
