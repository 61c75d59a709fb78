# The frame-by-frame baseline of dff_rfcn_r101_vid.py: every frame is a key frame.
_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_rfcn_r101.py',
    './_base_/datasets/imagenet_vid.py',
    './_base_/schedules/dff_vid.py',
]

model = dict(
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes))),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=1,
    scale_map=False,
)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000), logger=dict(log_metric_by_epoch=False))
