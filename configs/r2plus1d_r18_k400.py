_base_ = [
    './_base_/models/r2plus1d_r18.py',
    './_base_/datasets/k400_clips_8f.py',
    './_base_/schedules/vmz_k400.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    cls_head=dict(num_classes=_base_.num_classes),
)
