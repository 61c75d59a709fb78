# FlowNetS on pairs of your own: see docs/own_data.md. Sizes and paths are set with --cfg-options NAME=VALUE.
_base_ = [
    './_base_/flow_runtime.py',
    './_base_/models/flownets.py',
    './_base_/datasets/small_flow_folders.py',
    './_base_/schedules/small_data_iters.py',
]
default_hooks = dict(checkpoint=dict(interval=max(1, _base_.max_iters // 4), save_best='flow/EPE', rule='less'))
