_base_ = [
    './_base_/models/tsn_r50.py',
    './_base_/datasets/sthv2.py',
    './_base_/schedules/tsm_sth.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    cls_head=dict(num_classes=_base_.num_classes),
)
