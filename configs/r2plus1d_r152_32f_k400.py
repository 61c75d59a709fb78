_base_ = './r2plus1d_r34_32f_k400.py'

model = dict(backbone=dict(depth=152), cls_head=dict(in_channels=2048))
