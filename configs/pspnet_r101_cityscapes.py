# The frame-by-frame baseline of dff_pspnet_r101_cityscapes.py.
_base_ = './pspnet_r50_cityscapes.py'

model = dict(pretrained='open-mmlab://resnet101_v1c', backbone=dict(depth=101))
