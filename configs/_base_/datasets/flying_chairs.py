# FlyingChairs with the augmentation of mmflow's FlowNet configs; its "shear" is our "stretch".
data_root = 'data/FlyingChairs_release'
crop_size = (384, 448)  # height, width
batch_size = 8
num_workers = 4

train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.5),
    dict(type='mmvidext.FlowPairGamma', gamma_range=(0.7, 1.5)),
    dict(type='mmvidext.FlowPairNoise', sigma_range=(0.0, 0.04)),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(
        type='mmvidext.FlowPairAffine',
        shared=dict(translate=0.05, zoom=(1.0, 1.5), stretch=(0.86, 1.16), rotate=10),
        relative=dict(translate=0.00375, zoom=(0.985, 1.015), rotate=1),
    ),
    dict(type='mmvidext.FlowPairCrop', crop_size=crop_size),
    dict(type='mmvidext.PackFlowPair'),
]
val_pipeline = [dict(type='mmvidext.LoadFlowPair'), dict(type='mmvidext.PackFlowPair')]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.FlyingChairsDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(**common, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, split='val', pipeline=val_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.EndPointError')
test_evaluator = val_evaluator
