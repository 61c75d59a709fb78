_base_ = [
    './_base_/models/tin_r50.py',
    './_base_/datasets/k400.py',
    './_base_/schedules/tin_sth.py',
    './_base_/recognition_runtime.py',
]

starts_from = 'Kinetics-400'
model = dict(
    backbone=dict(partial_bn=True, num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes),
)
