# The network of IG-65M: convert its weights (tools/convert_checkpoint.py) and set model.backbone.pretrained.
_base_ = [
    './_base_/models/r2plus1d_r18.py',
    './_base_/datasets/k400_clips_32f.py',
    './_base_/schedules/vmz_k400_32f.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=34),
    cls_head=dict(num_classes=_base_.num_classes),
)
