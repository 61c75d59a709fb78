# layer1's features are 8x6 cells here, twice as fine as those of layer2.
_base_ = [
    '../_base_/models/ms_tsm_r50.py',
    '../_base_/datasets/camera_demo.py',
    '../_base_/schedules/camera_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=18, motion_stage=1, num_segments=_base_.num_segments),
    cls_head=dict(
        num_segments=_base_.num_segments,
        num_classes=_base_.num_classes,
        in_channels=512,
        dropout_ratio=0.0,
        init_std=0.01,
    ),
)
