"""mmdet's detectors and mmaction2's action detector on our ops, with mmcv-lite: a train and a test step of each."""

import mmaction.models  # noqa: F401 - registers
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from mmengine.hub import get_config
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData

mmdet = pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

SMALL = {'backbone.depth': 18, 'neck.in_channels': [64, 128, 256, 512]}
FEW_PROPOSALS = {'train_cfg.rpn_proposal.max_per_img': 50, 'test_cfg.rpn.max_per_img': 50}
# config of mmdet, and what makes its model small; DCN replaces convolutions that only deeper networks have
DETECTORS = {
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py': {**SMALL, **FEW_PROPOSALS},
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py': {**SMALL, **FEW_PROPOSALS},
    'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py': {**SMALL, **FEW_PROPOSALS},
    'retinanet/retinanet_r50_fpn_1x_coco.py': SMALL,
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py': SMALL,
    'dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco.py': FEW_PROPOSALS,
    'dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py': FEW_PROPOSALS,
    'reppoints/reppoints-moment_r50_fpn_1x_coco.py': SMALL,
    'rtmdet/rtmdet_tiny_8xb32-300e_coco.py': {},
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py': {
        'backbone.depth': 18,
        'neck.in_channels': [128, 256, 512],
        'num_queries': 10,
        'encoder.num_layers': 1,
        'decoder.num_layers': 2,
    },
}


def build(name, changes, scope):
    init_default_scope(scope)
    cfg = get_config(f'{scope}::{name}')
    without_download = {'init_cfg': None, 'backbone.init_cfg': None}
    cfg.merge_from_dict({f'model.{key}': value for key, value in {**without_download, **changes}.items()})
    model = MODELS.build(cfg.model)
    model.init_weights()
    for layer in model.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.ones_(layer.weight)  # the last one of a block starts at zero, which stops gradients
    return model


def step(model, data):
    """Update once; return the loss and the names of the backbone's weights that did not move."""
    model.train()
    before = {name: weight.detach().clone() for name, weight in model.backbone.named_parameters()}
    # Adam moves whatever has a gradient, however small
    losses = model.train_step(data, OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-4)))
    trained = {name: weight for name, weight in model.backbone.named_parameters() if weight.requires_grad}
    return losses['loss'], [name for name, weight in trained.items() if torch.equal(before[name], weight)]


@pytest.mark.parametrize('name', DETECTORS, ids=lambda name: name.partition('/')[0])
def test_a_detector_trains_and_predicts(name):
    from mmdet.testing import demo_mm_inputs

    model = build(name, DETECTORS[name], 'mmdet')
    data = demo_mm_inputs(2, [[3, 64, 96], [3, 96, 64]], num_items=[2, 1], num_classes=80, with_mask='mask' in name)
    loss, unmoved = step(model, data)
    assert 0 < loss < 1e4
    assert unmoved == []
    with torch.no_grad():
        results = model.eval().test_step(data)
    assert len(results) == 2
    for result in results:
        assert result.pred_instances.bboxes.isfinite().all()


def test_slow_only_trains_on_ava():
    """mmaction2's detector of actions pools each person's box by RoIAlign."""
    name = 'detection/slowonly/slowonly_kinetics400-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb.py'
    model = build(name, {'backbone.depth': 18, 'roi_head.bbox_head.in_channels': 512}, 'mmaction')
    sample = ActionDataSample(metainfo=dict(img_shape=(64, 96), scale_factor=[1.0] * 4, img_key='clip,0901'))
    boxes = torch.tensor([[4.0, 4, 40, 60], [50, 8, 90, 56]])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.eye(81)[[1, 7]])
    sample.proposals = InstanceData(bboxes=boxes.clone())
    data = pseudo_collate([dict(inputs=torch.randint(0, 255, (3, 4, 64, 96)).byte(), data_samples=sample)])
    loss, unmoved = step(model, data)
    assert 0 < loss < 1e4
    assert unmoved == []
    sample.proposals = InstanceData(bboxes=boxes.clone())
    with torch.no_grad():
        (result,) = model.eval().test_step(data)
    assert result.pred_instances.scores.shape == (2, 81)
