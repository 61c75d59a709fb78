_base_ = './r2plus1d_r18_k400.py'

model = dict(backbone=dict(arch='r2d', clip_len=_base_.clip_len))
