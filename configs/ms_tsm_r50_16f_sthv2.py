_base_ = './ms_tsm_r50_sthv2.py'

model = dict(backbone=dict(num_segments=16), cls_head=dict(num_segments=16))

# the second transform samples the frames
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=16),
    *_base_.train_pipeline[2:],
]
val_pipeline = [
    _base_.val_pipeline[0],
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=16, test_mode=True),
    *_base_.val_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
