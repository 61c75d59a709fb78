_base_ = './tsm_r50_k400.py'

model = dict(
    backbone=dict(_delete_=True, type='mmvidext.MobileNetV2TSM', num_segments=8, pretrained=None),
    cls_head=dict(in_channels=1280),
)
