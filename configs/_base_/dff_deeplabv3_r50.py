# Deep Feature Flow around mmsegmentation's deeplabv3.
_base_ = ['mmseg::_base_/models/deeplabv3_r50-d8.py', './deep_feature_flow.py']

model = dict(_delete_=True, segmentor=_base_.model, **_base_.deep_feature_flow)
