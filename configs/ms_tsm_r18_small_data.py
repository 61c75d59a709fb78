# Videos of your own, some hundreds of them, from scratch: see docs/recognition.md. Sizes and paths are set with
# --cfg-options NAME=VALUE.
_base_ = [
    './_base_/models/ms_tsm_r50.py',
    './_base_/datasets/small_data.py',
    './_base_/schedules/small_data.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=18, num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes, in_channels=512, init_std=0.001),
)
default_hooks = dict(checkpoint=dict(interval=_base_.val_interval))
