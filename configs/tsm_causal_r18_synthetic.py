# Runs frame by frame: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = './tsm_r18_synthetic.py'

model = dict(backbone=dict(causal=True))
