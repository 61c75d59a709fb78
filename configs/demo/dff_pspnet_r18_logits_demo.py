# Logits are propagated, without a scale map.
_base_ = './dff_pspnet_r18_demo.py'

model = dict(propagate='logits', scale_map=False)
