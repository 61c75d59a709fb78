"""Detectors of mmdet small enough for the test suite, and samples for them."""

import copy
import functools

import torch
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.structures import InstanceData

FLOWNET = dict(type='mmvidext.FlowNetS', width=0.0625)
_BACKBONE = {'backbone.depth': 18, 'backbone.init_cfg': None, 'init_cfg': None}
_NECK = {**_BACKBONE, 'neck.in_channels': [64, 128, 256, 512], 'neck.out_channels': 16}
_RPN = {
    'rpn_head.in_channels': 16,
    'rpn_head.feat_channels': 16,
    'train_cfg.rpn_proposal.max_per_img': 20,
    'test_cfg.rpn.max_per_img': 20,
    'test_cfg.rcnn.score_thr': 0.0,
    'roi_head.bbox_roi_extractor.out_channels': 16,
    'roi_head.bbox_head.in_channels': 16,
    'roi_head.bbox_head.fc_out_channels': 32,
}
_MASK = {
    'roi_head.mask_roi_extractor.out_channels': 16,
    'roi_head.mask_head.in_channels': 16,
    'roi_head.mask_head.conv_out_channels': 16,
}
_DENSE = {'bbox_head.in_channels': 16, 'bbox_head.feat_channels': 16, 'test_cfg.score_thr': 0.0}
# config of mmdet, and what makes its model small
DETECTORS = {
    'faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco.py': {
        **_BACKBONE,
        **_RPN,
        'rpn_head.in_channels': 256,
        'roi_head.bbox_roi_extractor.out_channels': 256,
        'roi_head.shared_head.depth': 18,
        'roi_head.shared_head.init_cfg': None,
        'roi_head.bbox_head.in_channels': 512,
        'roi_head.bbox_head.fc_out_channels': None,
    },
    'faster_rcnn/faster-rcnn_r50-caffe-dc5_1x_coco.py': {
        **_BACKBONE,
        **_RPN,
        'rpn_head.in_channels': 512,
        'roi_head.bbox_roi_extractor.out_channels': 512,
        'roi_head.bbox_head.in_channels': 512,
    },
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py': {**_NECK, **_RPN},
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py': {**_NECK, **_RPN, **_MASK},
    'retinanet/retinanet_r50_fpn_1x_coco.py': {**_NECK, **_DENSE},
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py': {**_NECK, **_DENSE, 'bbox_head.feat_channels': 64},
    'solo/solo_r50_fpn_1x_coco.py': {
        **_NECK,
        'mask_head.in_channels': 16,
        'mask_head.feat_channels': 16,
        'mask_head.stacked_convs': 1,
        'mask_head.norm_cfg.num_groups': 4,
        'test_cfg.score_thr': 0.0,
        'test_cfg.filter_thr': 0.0,
        'test_cfg.mask_thr': 0.0,
    },
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py': {
        **_BACKBONE,
        'neck.in_channels': [128, 256, 512],
        'num_queries': 10,
        'encoder.num_layers': 1,
        'decoder.num_layers': 2,
    },
}


@functools.cache
def _shipped(name):
    """Read a config of mmdet once: mmengine parses all of mmdet's metafiles each time."""
    return get_config(f'mmdet::{name}')


def detector(name='faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'):
    """Return the config of a small detector with the structure of a shipped one."""
    config = copy.deepcopy(_shipped(name))
    changes = {key: value for key, value in DETECTORS[name].items() if value is not None or 'fc_out' not in key}
    config.merge_from_dict({f'model.{key}': value for key, value in changes.items()})
    return ConfigDict(config.model)


def sample(distance=None, *, size=(64, 96), with_mask=False, **meta):
    """Return a data sample with two objects."""
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    result = DetDataSample(
        metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0), img_id=0, flip=False, **meta)
    )
    if distance is not None:
        result.set_metainfo(dict(propagation_distance=distance))
    boxes = torch.tensor([[4.0, 4, 40, 60], [50, 8, 90, 56]])
    result.gt_instances = InstanceData(bboxes=boxes, labels=torch.tensor([1, 7]))
    if with_mask:
        result.gt_instances.masks = BitmapMasks(torch.ones(2, *size, dtype=torch.uint8).numpy(), *size)
    result.ignored_instances = InstanceData(bboxes=boxes[:0], labels=torch.zeros(0, dtype=torch.long))
    return result


def clips(num_frames=2, *, num=1, size=(64, 96), seed=7):
    """Return raw clips, as a pipeline packs them."""
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randint(0, 256, (num, num_frames, 3, *size), dtype=torch.uint8, generator=generator))


def video_config(interval=3, **changes):
    """Return the config of a small Deep Feature Flow detector with its test pipeline."""
    return Config(
        dict(
            default_scope='mmdet',
            model=dict(
                type='mmvidext.DeepFeatureFlowDetector',
                detector=detector('retinanet/retinanet_r50_fpn_1x_coco.py'),
                flow_net=FLOWNET,
                key_frame_interval=interval,
            ),
            test_pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=(96, 64), keep_ratio=True),
                dict(type='PackDetInputs'),
            ],
            **changes,
        )
    )
