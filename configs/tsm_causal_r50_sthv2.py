# Runs frame by frame: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = './tsm_r50_sthv2.py'

model = dict(backbone=dict(causal=True))
