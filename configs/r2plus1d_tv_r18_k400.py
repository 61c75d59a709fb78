# As torchvision's r2plus1d_18: one width inside each block, batch norm epsilon 1e-5, clips of 16 frames.
_base_ = [
    './_base_/models/r2plus1d_r18.py',
    './_base_/datasets/k400_clips_16f.py',
    './_base_/schedules/vmz_k400.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(midplanes='per_block', norm_cfg=dict(type='BN3d', eps=1e-5)),
    cls_head=dict(num_classes=_base_.num_classes),
)
