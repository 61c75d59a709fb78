# P3D-199: 16 frames of 160x160 out of 182 pixels.
_base_ = [
    './_base_/models/p3d_r152.py',
    './_base_/datasets/k400_p3d.py',
    './_base_/schedules/p3d_k400.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    cls_head=dict(num_classes=_base_.num_classes),
)
