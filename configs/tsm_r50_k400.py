_base_ = [
    './_base_/tsm_r50.py',
    './_base_/k400.py',
    './_base_/tsm_k400_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(cls_head=dict(num_classes=400))
