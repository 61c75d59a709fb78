# Runs frame by frame, on small devices too: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = './tsm_mobilenet_v2_k400.py'

model = dict(backbone=dict(causal=True))
