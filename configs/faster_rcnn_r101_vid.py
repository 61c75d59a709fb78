# The frame-by-frame baseline of dff_faster_rcnn_r101_vid.py.
_base_ = './faster_rcnn_r50_vid.py'

model = dict(
    detector=dict(
        backbone=dict(depth=101, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')),
    ),
)
