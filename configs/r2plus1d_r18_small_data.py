# Some hundred videos of your own: see docs/own_data.md. Sizes and paths are set with --cfg-options NAME=VALUE.
_base_ = [
    './_base_/models/r2plus1d_r18.py',
    './_base_/datasets/small_clips.py',
    './_base_/schedules/small_data.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    cls_head=dict(num_classes=_base_.num_classes),
)
default_hooks = dict(checkpoint=dict(interval=_base_.val_interval))
