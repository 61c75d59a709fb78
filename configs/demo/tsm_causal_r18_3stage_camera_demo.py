# What tsm_causal_r18_camera_motion.py starts from: easy clips, on which a network from scratch learns to see motion.
_base_ = './tsm_r18_camera_demo.py'

model = dict(
    backbone=dict(causal=True, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,)),
    cls_head=dict(in_channels=256),
)
