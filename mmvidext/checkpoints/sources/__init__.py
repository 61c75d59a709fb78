"""The sources of weights that can be converted: one file each, all of them in :data:`SOURCES`."""

from mmvidext.checkpoints.source import Source
from mmvidext.checkpoints.sources.flownet_pytorch import FLOWNET_PYTORCH
from mmvidext.checkpoints.sources.mmflow import MMFLOW
from mmvidext.checkpoints.sources.mmtracking_flownet import MMTRACKING_FLOWNET
from mmvidext.checkpoints.sources.motionsqueeze import MOTIONSQUEEZE
from mmvidext.checkpoints.sources.tin import TIN
from mmvidext.checkpoints.sources.torchvision_video import TORCHVISION_VIDEO
from mmvidext.checkpoints.sources.tsm import TSM
from mmvidext.checkpoints.sources.vmz import VMZ

__all__ = ['SOURCES']

SOURCES: tuple[Source, ...] = (
    TSM,
    MOTIONSQUEEZE,
    TIN,
    TORCHVISION_VIDEO,
    VMZ,
    MMFLOW,
    MMTRACKING_FLOWNET,
    FLOWNET_PYTORCH,
)
