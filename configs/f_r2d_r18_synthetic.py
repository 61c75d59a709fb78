_base_ = [
    './_base_/video_resnet.py',
    './_base_/synthetic_motion_clips.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(arch='f_r2d', base_channels=32, with_pool=True),
    cls_head=dict(num_classes=4, in_channels=256),
)
