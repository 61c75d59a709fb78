# The model `camera-motion`, whose weights are part of the package: docs/camera_motion.md. Three stages of ResNet-18.
_base_ = [
    './_base_/models/tsm_r50.py',
    './_base_/datasets/camera_motion.py',
    './_base_/schedules/camera_motion.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(
        depth=18,
        causal=True,
        num_segments=_base_.num_segments,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
    ),
    cls_head=dict(
        num_segments=_base_.num_segments,
        num_classes=_base_.num_classes,
        in_channels=256,
        dropout_ratio=0.0,
        init_std=0.01,
    ),
)
