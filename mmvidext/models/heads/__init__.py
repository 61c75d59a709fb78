"""Heads: what turns features into predictions."""

import importlib.util

__all__: list[str] = []

if importlib.util.find_spec('mmseg') is not None:
    from mmvidext.models.heads.deeplabv2_head import DeepLabV2Head

    __all__ += ['DeepLabV2Head']

if importlib.util.find_spec('mmdet') is not None:
    from mmvidext.models.heads.rfcn_head import RFCNHead, RFCNRoIHead, RFCNRPNHead

    __all__ += ['RFCNHead', 'RFCNRPNHead', 'RFCNRoIHead']
