_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_rfcn_r101.py',
    './_base_/models/dff_flownets.py',
    './_base_/datasets/imagenet_vid.py',
    './_base_/schedules/dff_vid.py',
]

# the weights of the flow network come from FlyingChairs; frames are BGR here, and the flow network's are RGB
model = dict(
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes))),
    flow_net=_base_.flow_net,
    flow_input=dict(mean=[123.15, 115.90, 103.06], std=[255.0, 255.0, 255.0], swap_channels=True),
    key_frame_interval=_base_.key_frame_interval,
)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000), logger=dict(log_metric_by_epoch=False))
