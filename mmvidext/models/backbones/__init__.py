"""Backbones: what turns frames into features."""

from importlib.util import find_spec

from mmvidext.models.backbones.p3d_resnet import P3DResNet
from mmvidext.models.backbones.video_resnet import VideoResNet

__all__ = ['P3DResNet', 'VideoResNet']

if find_spec('mmaction') is not None:
    from mmvidext.models.backbones.mobilenet_v2_tsm import MobileNetV2TSM
    from mmvidext.models.backbones.ms_resnet import MSResNet
    from mmvidext.models.backbones.tin_resnet import TINResNet
    from mmvidext.models.backbones.tsm_resnet import TSMResNet

    __all__ += ['MSResNet', 'MobileNetV2TSM', 'TINResNet', 'TSMResNet']
