_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_faster_rcnn_r50.py',
    './_base_/models/dff_flownets_mmtracking.py',
    './_base_/datasets/imagenet_vid_mmtracking.py',
    './_base_/schedules/mmtracking_vid.py',
]

model = dict(
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes))),
    flow_net=_base_.flow_net,
    flow_input=_base_.flow_input,
    key_frame_interval=_base_.key_frame_interval,
)
