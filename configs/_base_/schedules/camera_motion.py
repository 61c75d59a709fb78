# AdamW, for a small network on a CPU.
max_epochs = 9
learning_rate = 1e-3
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=learning_rate, weight_decay=0.02), clip_grad=dict(max_norm=20, norm_type=2)
)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=learning_rate,
        pct_start=0.2,
        by_epoch=True,
        total_steps=max_epochs,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
randomness = dict(seed=0)
