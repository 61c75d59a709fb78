# Fine-tuned from Kinetics: set model.backbone.pretrained to the converted weights.
_base_ = [
    './_base_/models/r2plus1d_r18.py',
    './_base_/datasets/hmdb51_clips_32f.py',
    './_base_/schedules/vmz_hmdb51.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(depth=34),
    cls_head=dict(num_classes=_base_.num_classes),
)
