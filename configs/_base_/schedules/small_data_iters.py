# A few hundred pairs of frames: Adam, warm-up over a tenth, then down to nothing.
max_iters = 2000
learning_rate = 3e-4
warmup_iters = max(1, max_iters // 10)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max(1, max_iters // 4))
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=learning_rate, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=warmup_iters),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=warmup_iters, end=max(max_iters, warmup_iters + 1)),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)
