_base_ = './ms_tsm_r50_sthv1.py'

model = dict(backbone=dict(depth=18), cls_head=dict(in_channels=512))
