# The flow network of the demos of detection. Its pairs are as large as the frames at half size that it is given there,
# and move as far as those of one or two frames; from pairs that move further it learns less of these:
# python tools/data/make_synthetic.py flying-chairs data/synthetic_small_pairs --train 2000 --size 96x72
# with --max-displacement 8
_base_ = './flownets_demo.py'

data_root = 'data/synthetic_small_pairs'
train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(type='mmvidext.PackFlowPair'),
]
train_cfg = dict(max_iters=10000, val_interval=2000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=10000),
]
default_hooks = dict(checkpoint=dict(interval=10000))
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
