_base_ = [
    './_base_/models/tsm_mobilenet_v2.py',
    './_base_/datasets/k400_dense.py',
    './_base_/schedules/tsm_k400_dense.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes),
)
