_base_ = './tsm_r18_synthetic.py'

model = dict(backbone=dict(_delete_=True, type='mmvidext.TINResNet', depth=18, num_segments=8))
