# Videos of your own, some hundreds of them, from scratch: see docs/recognition.md. Sizes and paths are set with
# --cfg-options NAME=VALUE.
_base_ = [
    './_base_/models/tsn_r50.py',
    './_base_/datasets/small_data.py',
    './_base_/schedules/small_data.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=18),
    cls_head=dict(num_classes=_base_.num_classes, in_channels=512),
)

# the recipe of tsm_sth.py at this rate
optim_wrapper = dict(
    paramwise_cfg=dict(fc_lr5=True),
    optimizer=dict(nesterov=False),
    clip_grad=dict(max_norm=20),
)
default_hooks = dict(checkpoint=dict(interval=_base_.val_interval))
