# As torchvision's r2plus1d_18: one width inside each block, batch norm epsilon 1e-5, clips of 16 frames.
_base_ = './r2plus1d_r18_k400.py'

model = dict(backbone=dict(midplanes='per_block', norm_cfg=dict(type='BN3d', eps=1e-5)))
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='SampleFrames', clip_len=16, frame_interval=1, num_clips=1),
    *_base_.train_pipeline[2:],
]
val_pipeline = [
    _base_.val_pipeline[0],
    dict(type='SampleFrames', clip_len=16, frame_interval=1, num_clips=1, test_mode=True),
    *_base_.val_pipeline[2:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type='SampleFrames', clip_len=16, frame_interval=1, num_clips=10, test_mode=True),
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(batch_size=24, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=24, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
