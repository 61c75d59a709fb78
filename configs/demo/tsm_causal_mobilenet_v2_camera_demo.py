# Runs frame by frame, on small devices too: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = [
    '../_base_/models/tsm_mobilenet_v2.py',
    '../_base_/datasets/camera_demo.py',
    '../_base_/schedules/camera_demo.py',
    '../_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(causal=True, num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes, dropout_ratio=0.0, init_std=0.01),
)
param_scheduler = [
    dict(type='OneCycleLR', eta_max=3e-3, pct_start=0.2, by_epoch=True, total_steps=10, convert_to_iter_based=True)
]
