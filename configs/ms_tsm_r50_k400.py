_base_ = [
    './_base_/models/ms_tsm_r50.py',
    './_base_/datasets/k400_dense.py',
    './_base_/schedules/ms_tsm_k400.py',
    './_base_/recognition_runtime.py',
]

# the classifier's init_std is Xavier's for 2048 inputs and 400 classes
model = dict(
    backbone=dict(num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes, init_std=0.0286),
)
