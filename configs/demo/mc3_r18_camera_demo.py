_base_ = [
    '../_base_/models/r2plus1d_r18.py',
    '../_base_/datasets/camera_clips_8f_demo.py',
    '../_base_/schedules/camera_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(arch='mc3', base_channels=16),
    cls_head=dict(num_classes=_base_.num_classes, in_channels=128),
)
