"""Heads: what turns features into predictions."""

import importlib.util

__all__: list[str] = []

if importlib.util.find_spec('mmseg') is not None:
    from mmvidext.models.heads.deeplabv2_head import DeepLabV2Head

    __all__ += ['DeepLabV2Head']
