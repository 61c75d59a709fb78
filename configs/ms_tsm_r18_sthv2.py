_base_ = './ms_tsm_r50_sthv2.py'

# the classifier's init_std is Xavier's for 512 inputs and 174 classes
model = dict(backbone=dict(depth=18), cls_head=dict(in_channels=512, init_std=0.054))
