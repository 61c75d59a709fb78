_base_ = './r2plus1d_r18_camera_demo.py'

model = dict(backbone=dict(arch='mc3'))
