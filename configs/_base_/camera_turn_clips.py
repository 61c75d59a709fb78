# camera_turns.py for networks that read them whole, (N, 3, T, H, W).
_base_ = './camera_turns.py'

shape = dict(type='FormatShape', input_format='NCTHW')
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='UniformSample', clip_len=8),
    *_base_.train_pipeline[2:5],
    shape,
    _base_.train_pipeline[6],
]
val_pipeline = [
    _base_.val_pipeline[0],
    dict(type='UniformSample', clip_len=8, test_mode=True),
    *_base_.val_pipeline[2:4],
    shape,
    _base_.val_pipeline[5],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
