_base_ = [
    '../_base_/models/p3d_r152.py',
    '../_base_/datasets/camera_clips_16f_demo.py',
    '../_base_/schedules/camera_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=50, base_channels=16),
    cls_head=dict(num_classes=_base_.num_classes, in_channels=512, dropout_ratio=0.0),
    data_preprocessor=dict(mean=[110.2008, 100.63983, 95.99475], std=[58.14765, 56.46975, 55.332195]),
)
