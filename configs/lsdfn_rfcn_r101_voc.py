# LS-DFN between the features of R-FCN and its head: 24 dynamic channels, widened to 256, beside the 512 that the head
# reads. An image is a clip of one frame, so that nothing is propagated. docs/compatibility.md says what the paper does
# not.
_base_ = [
    './_base_/detection_runtime.py',
    './_base_/models/dff_rfcn_r101.py',
    './_base_/datasets/voc0712.py',
    './_base_/schedules/lsdfn_voc.py',
]

model = dict(
    detector=dict(
        neck=[
            dict(type='mmvidext.DilatedConvNeck', in_channels=2048, out_channels=1024, dilation=6),
            dict(
                type='mmvidext.LSDFNNeck',
                in_channels=1024,
                dynamic_channels=24,
                kernel_size=3,
                num_samples=5,
                sample_stride=3,
                post_channels=256,
            ),
        ],
        roi_head=dict(bbox_head=dict(in_channels=768, num_classes=_base_.num_classes)),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=1,
    scale_map=False,
)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000), logger=dict(log_metric_by_epoch=False))
