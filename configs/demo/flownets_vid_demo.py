# The flow network of the demos of detection: pairs as large as the frames at half size that it is given there:
# python tools/data/make_synthetic.py flying-chairs data/synthetic_small_pairs --train 3000 --size 64x48
# with --max-displacement 20
_base_ = './flownets_demo.py'

data_root = 'data/synthetic_small_pairs'
train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(type='mmvidext.PackFlowPair'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=2000, val_interval=2000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=2000),
]
default_hooks = dict(checkpoint=dict(interval=2000))
