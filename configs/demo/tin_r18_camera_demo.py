_base_ = [
    '../_base_/models/tin_r50.py',
    '../_base_/datasets/camera_demo.py',
    '../_base_/schedules/camera_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=18, num_segments=_base_.num_segments),
    cls_head=dict(
        num_segments=_base_.num_segments,
        num_classes=_base_.num_classes,
        in_channels=512,
        dropout_ratio=0.0,
        init_std=0.01,
    ),
)
