_base_ = [
    './_base_/video_resnet.py',
    './_base_/camera_turn_clips.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(arch='f_r2d', base_channels=16),
    cls_head=dict(num_classes=4, in_channels=128),
)
