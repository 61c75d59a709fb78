# The 2D baseline of tools/quickstart.sh.
_base_ = [
    '../_base_/models/tsn_r50.py',
    '../_base_/datasets/objects_demo.py',
    '../_base_/schedules/objects_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=18),
    cls_head=dict(num_classes=_base_.num_classes, in_channels=512, dropout_ratio=0.0, init_std=0.01),
)
