# Fine-tuned from Kinetics: set model.backbone.pretrained to a TSM checkpoint. Only the first batch norm is trained.
_base_ = [
    './_base_/models/tsm_r50.py',
    './_base_/datasets/ucf101.py',
    './_base_/schedules/tsm_ucf101.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(partial_bn=True, num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes, dropout_ratio=0.8),
)
