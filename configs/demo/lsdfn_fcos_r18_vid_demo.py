# fcos_r18_vid_demo.py with LS-DFN between backbone and head.
_base_ = './fcos_r18_vid_demo.py'
model = dict(
    neck=dict(
        type='mmvidext.LSDFNNeck', in_channels=64, post_channels=32, feature_channels=32, norm_cfg=dict(type='BN')
    ),
    bbox_head=dict(in_channels=96),
)
