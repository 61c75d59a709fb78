_base_ = [
    './_base_/models/ms_tsm_r50.py',
    './_base_/datasets/sthv1.py',
    './_base_/schedules/ms_tsm_sthv1.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes),
)
