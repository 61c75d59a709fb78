# Generated pairs in the format of FlyingChairs, for a CPU:
# python tools/data/make_synthetic.py flying-chairs data/synthetic_chairs --train 1600
data_root = 'data/synthetic_chairs'
crop_size = (96, 128)  # height, width
batch_size = 8
num_workers = 1

train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(type='mmvidext.FlowPairCrop', crop_size=crop_size),
    dict(type='mmvidext.PackFlowPair'),
]
val_pipeline = [dict(type='mmvidext.LoadFlowPair'), dict(type='mmvidext.PackFlowPair')]
test_pipeline = val_pipeline

loader = dict(batch_size=batch_size, num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.FlyingChairsDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(**common, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, split='val', pipeline=val_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.EndPointError')
test_evaluator = val_evaluator
