# The flow network keeps its weights.
_base_ = './dff_pspnet_r18_demo.py'

model = dict(freeze=('flow',))
