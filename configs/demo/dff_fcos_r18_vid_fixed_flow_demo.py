# The flow network keeps its weights.
_base_ = './dff_fcos_r18_vid_demo.py'

model = dict(freeze=('feature', 'flow'))
