# Fine-tuned: set model.backbone.pretrained.
_base_ = [
    './_base_/models/p3d_r152.py',
    './_base_/datasets/ucf101_p3d.py',
    './_base_/schedules/p3d_ucf101.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    cls_head=dict(num_classes=_base_.num_classes),
)
