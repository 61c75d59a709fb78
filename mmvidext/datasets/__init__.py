"""Readers of the data sets in the formats in which their authors publish them."""

from importlib.util import find_spec

from mmvidext.datasets.flow_folders import FlowFolderDataset
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.flying_things3d import FlyingThings3DDataset
from mmvidext.datasets.imagenet_vid import ImageNetVIDDataset
from mmvidext.datasets.kitti_flow import HD1KDataset, KITTIFlowDataset
from mmvidext.datasets.media.shard_file import ShardBackend
from mmvidext.datasets.shard_sampler import ShardSampler
from mmvidext.datasets.sintel import SintelDataset
from mmvidext.datasets.video_sampler import VideoSampler

__all__ = [
    'FlowFolderDataset',
    'FlyingChairsDataset',
    'FlyingThings3DDataset',
    'HD1KDataset',
    'ImageNetVIDDataset',
    'KITTIFlowDataset',
    'ShardBackend',
    'ShardSampler',
    'SintelDataset',
    'VideoSampler',
]

if find_spec('mmaction') is not None:
    from mmvidext.datasets.frame_list import FrameListDataset as FrameListDataset
    from mmvidext.datasets.something_something import SthV1Dataset as SthV1Dataset
    from mmvidext.datasets.something_something import SthV2Dataset as SthV2Dataset
    from mmvidext.datasets.video_list import VideoListDataset as VideoListDataset

    __all__ += ['FrameListDataset', 'SthV1Dataset', 'SthV2Dataset', 'VideoListDataset']

if find_spec('mmseg') is not None:
    from mmvidext.datasets.camvid_video import CamVidVideoDataset as CamVidVideoDataset
    from mmvidext.datasets.cityscapes_video import CityscapesVideoDataset as CityscapesVideoDataset
    from mmvidext.datasets.video_folders import VideoFolderSegDataset as VideoFolderSegDataset
    from mmvidext.datasets.vspw import VSPWDataset as VSPWDataset

    __all__ += ['CamVidVideoDataset', 'CityscapesVideoDataset', 'VSPWDataset', 'VideoFolderSegDataset']
