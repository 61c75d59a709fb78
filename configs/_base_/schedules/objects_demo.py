# The schedule of tools/quickstart.sh: few epochs, minutes on two cores.
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.02), clip_grad=dict(max_norm=20, norm_type=2))
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-3, pct_start=0.2, by_epoch=True, total_steps=12, convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_begin=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
randomness = dict(seed=0)
