_base_ = './tsm_r50_sthv2.py'

# shift from the past only: what frame-by-frame inference (tools/stream.py) needs
model = dict(backbone=dict(causal=True))
