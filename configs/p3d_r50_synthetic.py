# Four temporal poolings leave one of 16 frames.
_base_ = [
    './_base_/video_resnet.py',
    './_base_/camera_turn_clips.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(_delete_=True, type='mmvidext.P3DResNet', depth=50, base_channels=16),
    cls_head=dict(num_classes=4, in_channels=512),
)
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='UniformSample', clip_len=16),
    *_base_.train_pipeline[2:],
]
val_pipeline = [
    _base_.val_pipeline[0],
    dict(type='UniformSample', clip_len=16, test_mode=True),
    *_base_.val_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
