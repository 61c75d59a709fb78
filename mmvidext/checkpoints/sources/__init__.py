"""The sources of weights: one file each, all of them in :data:`SOURCES`."""

from mmvidext.checkpoints.source import Source
from mmvidext.checkpoints.sources.flownet_pytorch import FLOWNET_PYTORCH
from mmvidext.checkpoints.sources.mmdet import MMDET
from mmvidext.checkpoints.sources.mmflow import MMFLOW
from mmvidext.checkpoints.sources.mmseg import MMSEG
from mmvidext.checkpoints.sources.mmtracking_dff import MMTRACKING_DFF
from mmvidext.checkpoints.sources.mmtracking_flownet import MMTRACKING_FLOWNET
from mmvidext.checkpoints.sources.motionsqueeze import MOTIONSQUEEZE
from mmvidext.checkpoints.sources.resnet import RESNET_2D
from mmvidext.checkpoints.sources.tin import TIN
from mmvidext.checkpoints.sources.torchvision_video import TORCHVISION_VIDEO
from mmvidext.checkpoints.sources.tsm import TSM
from mmvidext.checkpoints.sources.tsm_mobilenet import TSM_MOBILENET, TSM_MOBILENET_ONLINE
from mmvidext.checkpoints.sources.vmz import VMZ_CAFFE2, VMZ_HUB

__all__ = ['SOURCES']

SOURCES: tuple[Source, ...] = (
    MOTIONSQUEEZE,  # before TSM, which has its names too
    TIN,
    TSM,
    TSM_MOBILENET,
    TSM_MOBILENET_ONLINE,
    TORCHVISION_VIDEO,
    VMZ_CAFFE2,
    VMZ_HUB,
    MMFLOW,
    MMTRACKING_DFF,  # before the FlowNet, whose names it has too
    MMTRACKING_FLOWNET,
    FLOWNET_PYTORCH,
    RESNET_2D,
    MMSEG,
    MMDET,
)
