# Fine-tuned from Kinetics: set model.backbone.pretrained to a TSM checkpoint. Only the first batch norm is trained.
_base_ = [
    './_base_/tsm_r50.py',
    './_base_/hmdb51.py',
    './_base_/tsm_finetune_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(backbone=dict(partial_bn=True), cls_head=dict(num_classes=51, dropout_ratio=0.8))
