# The official online demonstration: its weights (mobilenetv2_jester_online.pth.tar, 27 gestures) can be given to
# tools/stream.py as they are.
_base_ = [
    './_base_/models/tsm_mobilenet_v2.py',
    './_base_/datasets/jester.py',
    './_base_/schedules/tsm_k400.py',
    './_base_/recognition_runtime.py',
]

model = dict(
    backbone=dict(causal=True, num_segments=_base_.num_segments),
    cls_head=dict(num_segments=_base_.num_segments, num_classes=_base_.num_classes),
)
