# The network of IG-65M: convert its weights (tools/convert_checkpoint.py) and set model.backbone.pretrained.
_base_ = [
    './_base_/video_resnet.py',
    './_base_/k400_clips_32f.py',
    './_base_/vmz_k400_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(backbone=dict(depth=34))
