_base_ = ['./_base_/tsm_r50.py', './_base_/quickstart.py', './_base_/recognition_runtime.py']

# layer1's features are 16x12 cells here, twice as fine as those of layer2: an object moves by more than a cell
model = dict(
    backbone=dict(type='mmvidext.MSResNet', depth=18, motion_stage=1),
    cls_head=dict(num_classes=4, in_channels=512, dropout_ratio=0.0, init_std=0.01),
)
