# Deep Feature Flow on generated videos, on a CPU. The detector has been trained frame by frame: it learns at a fifth of
# the rate, so that what it knows of key frames is not lost to the samples that are propagated.
_base_ = './vid_demo.py'

optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'detector': dict(lr_mult=0.2)}))
