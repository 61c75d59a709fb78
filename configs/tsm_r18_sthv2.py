_base_ = './tsm_r50_sthv2.py'

model = dict(backbone=dict(depth=18), cls_head=dict(in_channels=512))
