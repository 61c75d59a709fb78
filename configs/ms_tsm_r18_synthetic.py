_base_ = './tsm_r18_synthetic.py'

# layer1's features are 8x6 cells here, twice as fine as those of layer2
model = dict(backbone=dict(type='mmvidext.MSResNet', motion_stage=1))
