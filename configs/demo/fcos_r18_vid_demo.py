# Frame by frame on generated videos.
_base_ = [
    '../_base_/detection_runtime.py',
    '../_base_/models/fcos_r18_demo.py',
    '../_base_/datasets/imagenet_vid_frames_demo.py',
    '../_base_/schedules/vid_demo.py',
]

model = dict(bbox_head=dict(num_classes=_base_.num_classes))
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(interval=50, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=1000, max_keep_ckpts=1),
)
