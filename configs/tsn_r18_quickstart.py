_base_ = ['./_base_/tsn_r50.py', './_base_/quickstart.py', './_base_/recognition_runtime.py']

model = dict(
    backbone=dict(depth=18),
    cls_head=dict(num_classes=4, in_channels=512, dropout_ratio=0.0, init_std=0.01),
)
