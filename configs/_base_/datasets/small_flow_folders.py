# Pairs of your own: frames/VIDEO/*.png, flow/VIDEO/*.flo (from the frame of its name to the next), and two lists of
# videos. `mmvidext data flow` writes a config that sets the names below.
data_root = 'data/small_flow'
train_list = f'{data_root}/train.txt'
val_list = f'{data_root}/val.txt'
crop_size = (256, 320)  # height, width
batch_size = 4  # of one GPU
num_workers = 2

train_pipeline = [
    dict(type='mmvidext.LoadFlowPair'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='horizontal'),
    dict(type='mmvidext.FlowPairFlip', prob=0.5, direction='vertical'),
    dict(type='mmvidext.FlowPairCrop', crop_size=crop_size),
    dict(type='mmvidext.PackFlowPair'),
]
val_pipeline = [dict(type='mmvidext.LoadFlowPair'), dict(type='mmvidext.PackFlowPair')]
test_pipeline = val_pipeline

loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
common = dict(type='mmvidext.FlowFolderDataset', data_root=data_root)
train_dataloader = dict(
    **loader,
    batch_size=batch_size,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(**common, ann_file=train_list, pipeline=train_pipeline),
)
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**common, ann_file=val_list, pipeline=val_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvidext.EndPointError')
test_evaluator = val_evaluator
