# LS-DFN behind the backbone of Faster R-CNN DC5: 24 dynamic channels, widened to 256, beside its 2048. An image is a
# clip of one frame, so that nothing is propagated.
_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_faster_rcnn_r50.py',
    './_base_/datasets/voc0712.py',
    './_base_/schedules/lsdfn_voc.py',
]

model = dict(
    detector=dict(
        neck=[
            dict(
                type='mmvidext.LSDFNNeck',
                in_channels=2048,
                dynamic_channels=24,
                kernel_size=3,
                num_samples=5,
                sample_stride=3,
                post_channels=256,
            ),
            dict(type='ChannelMapper', in_channels=[2304], out_channels=512, kernel_size=3),
        ],
        roi_head=dict(bbox_head=dict(num_classes=_base_.num_classes)),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=1,
)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000), logger=dict(log_metric_by_epoch=False))
