# The frame-by-frame baseline of dff_faster_rcnn_r50_vid.py: every frame is a key frame.
_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_faster_rcnn_r50.py',
    './_base_/datasets/imagenet_vid_mmtracking.py',
    './_base_/schedules/mmtracking_vid.py',
]

model = dict(
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes))),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=1,
)
