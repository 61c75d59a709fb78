# Fine-tuned from Kinetics: set model.backbone.pretrained to the converted weights.
_base_ = [
    './_base_/video_resnet.py',
    './_base_/hmdb51_clips_32f.py',
    './_base_/vmz_finetune_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(backbone=dict(depth=34), cls_head=dict(num_classes=51, dropout_ratio=0.5))
