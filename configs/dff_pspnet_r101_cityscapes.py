_base_ = './dff_pspnet_r50_cityscapes.py'

model = dict(segmentor=dict(pretrained='open-mmlab://resnet101_v1c', backbone=dict(depth=101)))
