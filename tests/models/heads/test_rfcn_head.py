import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmdet.registry import MODELS as DET_MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvidext.models.heads.rfcn_head import RFCNHead, RFCNRoIHead, RFCNRPNHead, hardest_rois
from tests.configs.paths import CONFIGS
from tests.models.detectors.tiny import clips, sample
from tests.oracles.roi_pooling import ps_roi_pool


@pytest.fixture(autouse=True, scope='module')
def detection_scope():
    init_default_scope('mmdet')
    MMLogger.get_current_instance().setLevel('ERROR')


def head(**kwargs):
    torch.manual_seed(0)
    model = RFCNHead(4, num_classes=3, roi_feat_size=3, **{'first_channel': 4, **kwargs})
    model.init_weights()
    return model


def test_scores_are_the_mean_of_position_sensitive_bins():
    """By the loop that states DFF's kernel; the first half of the channels belongs to the RPN."""
    model = head()
    feature = torch.randn(2, 8, 6, 9)
    rois = torch.tensor([[0.0, 3, 5, 70, 60], [1, 40.5, 8, 143, 95], [1, 0, 0, 1, 1]])
    with torch.no_grad():
        scores, deltas = model((feature,), rois)
        for found, conv in ((scores, model.fc_cls), (deltas, model.fc_reg)):
            maps = torch.nn.functional.conv2d(feature[:, 4:], conv.weight, conv.bias)
            expected = ps_roi_pool(maps, rois, 3, spatial_scale=1 / 16).mean((2, 3))
            torch.testing.assert_close(found, expected.to(found.dtype), atol=1e-6, rtol=1e-5)
    assert scores.shape == (3, 4)
    assert deltas.shape == (3, 4)


def test_layers_start_as_the_official_ones():
    model = RFCNHead(64, num_classes=30)
    model.init_weights()
    assert model.fc_cls.weight.shape == (7 * 7 * 31, 64, 1, 1)
    assert model.fc_reg.weight.shape == (7 * 7 * 4, 64, 1, 1)
    assert model.fc_cls.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert model.fc_reg.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not model.fc_cls.bias.any()
    assert {name.partition('.')[0] for name, _ in model.named_parameters()} == {'fc_cls', 'fc_reg'}


def test_the_hardest_of_each_image():
    loss = torch.tensor([5.0, 1, 4, 2, 9, 8, 7])
    image = torch.tensor([0.0, 0, 0, 0, 3, 3, 3])
    assert sorted(hardest_rois(loss, image, 2).tolist()) == [0, 2, 4, 5]
    assert sorted(hardest_rois(loss, image, 4).tolist()) == list(range(7))
    assert hardest_rois(loss[:0], image[:0], 2).shape == (0,)


def targets(num=12):
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 4, (num,), generator=generator)
    weights = (labels < 3).float().unsqueeze(1).expand(num, 4)
    return dict(
        cls_score=torch.randn(num, 4, generator=generator, requires_grad=True),
        bbox_pred=torch.randn(num, 4, generator=generator, requires_grad=True),
        rois=torch.tensor([[float(index // 6), 0, 0, 9, 9] for index in range(num)]),
        labels=labels,
        label_weights=torch.ones(num),
        bbox_targets=torch.randn(num, 4, generator=generator),
        bbox_weights=weights,
    )


def test_only_hard_examples_learn():
    """Class and box loss of each box written out; the greatest 2 of each image learn, divided by their number."""
    given = targets()
    losses = head(num_hard=2).loss(**given)
    cls = torch.nn.functional.cross_entropy(given['cls_score'], given['labels'], reduction='none')
    box = torch.nn.functional.smooth_l1_loss(given['bbox_pred'], given['bbox_targets'], reduction='none')
    box = (box * given['bbox_weights']).sum(1)
    order = (cls + box).argsort(descending=True).tolist()
    kept = [index for image in (0, 1) for index in [i for i in order if i // 6 == image][:2]]
    torch.testing.assert_close(losses['loss_cls'], cls[kept].sum() / 4)
    torch.testing.assert_close(losses['loss_bbox'], box[kept].sum() / 4)
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    learned = given['cls_score'].grad.abs().sum(1).nonzero().flatten().tolist()
    assert learned == sorted(kept)


def test_without_mining_all_learn():
    losses = head(num_hard=None).loss(**targets())
    given = targets()
    expected = torch.nn.functional.cross_entropy(given['cls_score'], given['labels'])
    torch.testing.assert_close(losses['loss_cls'], expected)


def test_the_rpn_reads_its_half_directly():
    rpn = RFCNRPNHead(
        4,
        first_channel=2,
        anchor_generator=dict(type='LegacyAnchorGenerator', scales=[8], ratios=[1.0], strides=[16]),
        bbox_coder=dict(type='LegacyDeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
    )
    x = torch.randn(1, 8, 3, 5)
    ((scores,), (deltas,)) = rpn((x,))
    torch.testing.assert_close(scores, rpn.rpn_cls(x[:, 2:6]))
    torch.testing.assert_close(deltas, rpn.rpn_reg(x[:, 2:6]))
    assert scores.shape == (1, 2, 3, 5)
    assert [name for name, _ in rpn.named_children() if name.startswith('rpn')] == ['rpn_cls', 'rpn_reg']


def tiny_rfcn():
    """The detector of the paper's config, shrunk."""
    config = Config.fromfile(CONFIGS / '_base_/models/dff_rfcn_r101.py').model.detector
    config.backbone.update(depth=18, init_cfg=None, norm_cfg=dict(type='BN', requires_grad=True))
    config.neck.update(in_channels=512, out_channels=32)
    config.rpn_head.in_channels = 16
    config.rpn_head.anchor_generator.scales = [1, 2, 3]  # the images are small
    config.roi_head.bbox_head.update(in_channels=16, first_channel=16, num_hard=8, num_classes=8)
    return config


def test_the_detector_of_the_paper_trains_and_predicts():
    torch.manual_seed(0)
    model = DET_MODELS.build(tiny_rfcn())
    model.init_weights()
    images = clips(1, num=2)
    images = torch.cat(images).float() - 128
    samples = [sample(pad_shape=(64, 96), batch_input_shape=(64, 96)) for _ in range(2)]
    model.train()
    losses = model.loss(images, samples)
    sum(sum(value) if isinstance(value, list) else value for name, value in losses.items() if 'loss' in name).backward()
    assert {name for name in losses if 'loss' in name} == {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox'}
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    with torch.no_grad():
        results = model.eval().predict(images, samples)
        ((scores, deltas),) = [model._forward(images, samples)[0]]
    assert all(len(result.pred_instances) for result in results)
    assert all(result.pred_instances.bboxes.isfinite().all() for result in results)
    assert scores.shape[1] == 9
    assert deltas.shape[1] == 4


def test_no_proposals():
    model = RFCNRoIHead(bbox_head=dict(type='mmvidext.RFCNHead', in_channels=4, num_classes=3))
    empty = InstanceData(bboxes=torch.zeros(0, 4))
    scores, deltas = model.forward((torch.randn(1, 4, 6, 6),), [empty])
    assert scores.shape == (0, 4)
    assert deltas.shape == (0, 4)


def test_a_roi_extractor_is_refused():
    with pytest.raises(ValueError, match='leave out bbox_roi_extractor'):
        RFCNRoIHead(bbox_roi_extractor=dict(type='SingleRoIExtractor'), bbox_head=dict())
