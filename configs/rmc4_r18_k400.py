_base_ = './r2plus1d_r18_k400.py'

model = dict(backbone=dict(arch='rmc4'))
