_base_ = [
    './_base_/tsm_r50.py',
    './_base_/k400.py',
    './_base_/tin_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(_delete_=True, type='mmvidext.TINResNet', depth=50, num_segments=8, shift_div=4, pretrained=None),
    cls_head=dict(num_classes=400, dropout_ratio=0.8),
)
