"""The recipes of video object detection, number by number.

Sources: ``resnet_v1_101_flownet_rfcn.py``, ``config.py`` and the yaml files of msracver/Deep-Feature-Flow, and the
``dff_style`` configs of mmtracking 0.14. What differs on purpose is in docs/compatibility.md.
"""

import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmdet.registry import TASK_UTILS
from mmengine.registry import MODELS, DefaultScope

from tests.configs.paths import load

OFFICIAL = ('dff_rfcn_r101_vid', 'rfcn_r101_vid')
MMTRACKING = ('dff_faster_rcnn_r50_vid', 'dff_faster_rcnn_r101_vid', 'faster_rcnn_r50_vid', 'faster_rcnn_r101_vid')

LSDFN = ('lsdfn_rfcn_r101_voc', 'lsdfn_faster_rcnn_r50_voc')  # as far as a description of the paper says


def build(stem):
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        return MODELS.build(load(f'{stem}.py').model)


@pytest.mark.parametrize('stem', OFFICIAL)
def test_the_layers_of_the_official_detector(stem):
    model = build(stem)
    detector = model.detector
    backbone, neck, rpn, head = detector.backbone, detector.neck.conv, detector.rpn_head, detector.roi_head.bbox_head
    last = backbone.layer4
    assert (last[0].conv1.stride, last[0].conv2.stride, last[2].conv2.dilation) == ((1, 1), (1, 1), (2, 2))
    assert (backbone.layer2[0].conv1.stride, backbone.layer2[0].conv2.stride) == ((2, 2), (1, 1))  # Caffe
    assert backbone.layer1[0].bn1.eps == 1e-5
    assert neck.weight.shape == (1024, 2048, 3, 3)
    assert (neck.dilation, neck.padding, neck.bias.shape) == ((6, 6), (6, 6), (1024,))
    assert (rpn.rpn_cls.weight.shape, rpn.rpn_reg.weight.shape) == ((18, 512, 1, 1), (36, 512, 1, 1))
    assert (rpn.first_channel, head.first_channel, head.stride) == (0, 512, 16)
    assert head.fc_cls.weight.shape == (7 * 7 * 31, 512, 1, 1)
    assert head.num_hard == 128
    frozen = {name for name, parameter in detector.named_parameters() if not parameter.requires_grad}
    expected = {
        name
        for name, _ in detector.named_parameters()
        if name.startswith(('backbone.conv1', 'backbone.layer1')) or '.bn' in name or '.downsample.1' in name
    }
    assert frozen == expected
    if stem.startswith('dff'):
        assert [tuple(conv.weight.shape) for conv in model.feature_flow.scale_convs] == [(1024, 194, 1, 1)]
        assert model.feature_flow.flow_net.decoder.deconv['2'].bias is not None
        assert model.feature_flow.warp_form == 'official'


def test_anchors_of_the_official_rpn():
    """The official ones of scale 8, which are rounded before they are scaled."""
    config = load('dff_rfcn_r101_vid.py').model.detector.rpn_head.anchor_generator
    (anchors,) = TASK_UTILS.build(config).base_anchors
    assert len(anchors) == 9
    official = torch.tensor([[-84.0, -40, 99, 55], [-56, -56, 71, 71], [-36, -80, 51, 95]])
    torch.testing.assert_close(anchors[::3], official, atol=4, rtol=0)
    assert torch.equal(anchors[3], official[1])


@pytest.mark.parametrize('stem', OFFICIAL)
def test_training_and_test_of_the_official_detector(stem):
    config = load(f'{stem}.py')
    detector = config.model.detector
    train, test = detector.train_cfg, detector.test_cfg
    assert (train.rpn.sampler.num, train.rpn.sampler.pos_fraction) == (256, 0.5)
    assert (train.rpn.assigner.pos_iou_thr, train.rpn.assigner.neg_iou_thr) == (0.7, 0.3)
    for proposals in (train.rpn_proposal, test.rpn):
        assert (proposals.nms_pre, proposals.max_per_img, proposals.min_bbox_size) == (6000, 300, 0)
        assert proposals.nms.iou_threshold == 0.7
    assert train.rcnn.sampler.num > 300 + 100  # all proposals and objects
    assert (train.rcnn.assigner.pos_iou_thr, train.rcnn.assigner.neg_iou_thr) == (0.5, 0.5)
    assert detector.rpn_head.bbox_coder.target_stds == [0.1, 0.1, 0.4, 0.4]
    assert detector.roi_head.bbox_head.bbox_coder.target_stds == [0.1, 0.1, 0.2, 0.2]
    assert (test.rcnn.score_thr, test.rcnn.nms.iou_threshold, test.rcnn.max_per_img) == (1e-4, 0.3, 300)
    optimizer = config.optim_wrapper.optimizer
    # the mean of four gradients is a quarter of their sum, to which the decay is added
    assert optimizer == dict(type='SGD', lr=4 * 2.5e-4, momentum=0.9, weight_decay=5e-4 / 4)
    assert config.optim_wrapper.paramwise_cfg == dict(bias_decay_mult=0.0)  # MXNet decays weights and gammas
    pairs = 2 * (53_639 + 57_834)  # flipped copies too
    assert config.train_cfg.max_iters == 2 * pairs // 4
    assert config.param_scheduler[0].milestones == [round(1.333 * pairs / 4)]
    assert len(config.param_scheduler) == 1


@pytest.mark.parametrize('stem', MMTRACKING)
def test_mmtracking(stem):
    config = load(f'{stem}.py')
    detector, model = config.model.detector, build(stem)
    assert (detector.backbone.depth, detector.backbone.norm_eval) == (101 if 'r101' in stem else 50, True)
    assert detector.rpn_head.anchor_generator.scales == [4, 8, 16, 32]
    assert detector.roi_head.bbox_roi_extractor.roi_layer.sampling_ratio == 2
    assert detector.roi_head.bbox_head.bbox_coder.target_stds == [0.2] * 4
    assert (detector.train_cfg.rpn_proposal.nms_pre, detector.train_cfg.rpn_proposal.max_per_img) == (6000, 1000)
    assert (detector.train_cfg.rcnn.sampler.num, detector.train_cfg.rcnn.sampler.pos_fraction) == (512, 0.25)
    test = detector.test_cfg
    assert (test.rpn.max_per_img, test.rcnn.score_thr, test.rcnn.nms.iou_threshold) == (300, 1e-4, 0.5)
    assert test.rcnn.max_per_img == 100
    assert model.data_preprocessor.pad_size_divisor == 16
    assert model.detector.rpn_head.rpn_cls.weight.shape == (12, 512, 1, 1)
    assert config.optim_wrapper.optimizer == dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4)
    assert config.optim_wrapper.clip_grad == dict(max_norm=35, norm_type=2)
    assert config.train_cfg.max_epochs == 7
    warm_up, steps = config.param_scheduler
    assert (warm_up.type, warm_up.end, warm_up.start_factor) == ('LinearLR', 500, 1 / 3)
    assert steps.milestones == [2, 5]
    assert len(model.feature_flow.scale_convs) == 0
    if stem.startswith('dff'):
        assert model.feature_flow.warp_form == 'mmtracking'
        assert [round(value / 255, 3) for value in config.model.flow_input.mean] == [0.411, 0.432, 0.45]


@pytest.mark.parametrize('stem', [*OFFICIAL, *MMTRACKING])
def test_key_frames(stem):
    assert load(f'{stem}.py').model.key_frame_interval == (10 if stem.startswith('dff') else 1)


@pytest.mark.parametrize('stem', LSDFN)
def test_lsdfn(stem):
    config = load(f'{stem}.py')
    (neck,) = (one for one in config.model.detector.neck if one.type == 'mmvidext.LSDFNNeck')
    assert neck.dynamic_channels == 24
    assert config.optim_wrapper.optimizer == dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4)
    assert config.train_cfg.max_iters == 80_000 + 30_000
    assert (config.param_scheduler[0].milestones, config.param_scheduler[0].gamma) == ([80_000], 0.1)
    assert (len(config.param_scheduler), config.batch_size) == (1, 1)
    assert config.frame_size == (1000, 600)
    assert build(stem).detector.roi_head.bbox_head.num_classes == 20
