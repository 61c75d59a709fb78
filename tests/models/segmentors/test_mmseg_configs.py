"""Deep Feature Flow around every model config that mmsegmentation ships, in every mode."""

import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmvidext.models.segmentors import DeepFeatureFlow
from tests.models.segmentors.mmseg_configs import SIZE, names, shrunk

NOT_HERE = {
    'fpn_poolformer_s12': 'its backbone is in mmpretrain',
    'upernet_convnext': 'its backbone is in mmpretrain',
    'psanet_r50-d8': "its head needs mmcv's compiled psamask",
    'san_vit-b16': 'it is no EncoderDecoder, and reads a text',
    'vpd_sd': 'it is no EncoderDecoder, but a base of depth estimators',
}
REFUSED = {
    ('dpt_vit-b16', 'backbone'): r"needs maps \(N, C, H, W\).* use propagate='feature' or 'logits'",
    ('segmenter_vit-b16_mask', 'feature'): r"needs a decode head whose.* use propagate='logits' or 'backbone'",
    **{
        ('pointrend_r50', mode): 'PointHead cannot be propagated in any mode'
        for mode in ('feature', 'backbone', 'logits')
    },
}
LARGE = {'lraspp_m-v3-d8': (400, 400)}  # it averages windows of 49 x 49 pixels at stride 8
# EncHead takes three levels and, without lateral connections, uses the last: two scale maps have no effect
WITHOUT_GRADIENT = {('encnet_r50-d8', 'backbone'): ['scale_convs.0.weight', 'scale_convs.1.weight']}


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')


def samples(num_classes, size):
    result = []
    for distance in (1, 0):
        meta = dict(img_shape=size, ori_shape=size, pad_shape=size, padding_size=[0] * 4)
        sample = SegDataSample(metainfo=dict(meta, propagation_distance=distance))
        sample.gt_sem_seg = PixelData(data=torch.randint(num_classes, (1, *size)))
        sample.gt_edge_map = PixelData(data=torch.randint(2, (1, *size)))
        result.append(sample)
    return result


def build(segmentor, propagate):
    torch.manual_seed(0)
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    return revert_sync_batchnorm(DeepFeatureFlow(ConfigDict(segmentor), flow_net, propagate=propagate))


def train_and_predict(model, size=SIZE):
    """Return the parameters without gradient; the frame at distance 0 must be the plain segmentor's, exactly."""
    clips, data = torch.randn(2, 2, 3, *size), samples(model.num_classes, size)
    losses = model.train().loss(clips, data)
    sum(value.sum() for name, value in losses.items() if 'loss' in name).backward()
    with torch.no_grad():
        propagated, key = model.eval().predict(clips, data)
        _, plain = model.segmentor.predict(clips[:, 0].clone(), data)
    assert torch.equal(key.seg_logits.data, plain.seg_logits.data)
    assert propagated.pred_sem_seg.data.shape == (1, *size)
    return [name for name, value in model.named_parameters() if value.requires_grad and value.grad is None]


@pytest.mark.parametrize('propagate', ['feature', 'backbone', 'logits'])
@pytest.mark.parametrize('name', sorted(set(names()) - set(NOT_HERE)))
def test_shipped_config(name, propagate):
    message = REFUSED.get((name, propagate))
    if message:
        with pytest.raises(ValueError, match=message):
            train_and_predict(build(shrunk(name), propagate))
        return
    without = train_and_predict(build(shrunk(name), propagate), LARGE.get(name, SIZE))
    expected = WITHOUT_GRADIENT.get((name, propagate), [])
    assert [parameter.removeprefix('feature_flow.') for parameter in without] == expected


NORM = dict(type='BN')
LOSS = dict(type='CrossEntropyLoss')
PIDNET = dict(
    type='EncoderDecoder',
    test_cfg=dict(mode='whole'),
    backbone=dict(type='PIDNet', channels=8, ppm_channels=8, num_stem_blocks=1, num_branch_blocks=1, norm_cfg=NORM),
    decode_head=dict(
        type='PIDHead',
        in_channels=32,
        channels=16,
        num_classes=3,
        norm_cfg=NORM,
        loss_decode=[LOSS, LOSS, dict(type='BoundaryLoss'), dict(type='OhemCrossEntropy', thres=0.9, min_kept=10)],
    ),
)
DDRNET = dict(
    type='EncoderDecoder',
    test_cfg=dict(mode='whole'),
    backbone=dict(type='DDRNet', channels=8, ppm_channels=8, norm_cfg=NORM),
    decode_head=dict(
        type='DDRHead',
        in_channels=32,
        channels=16,
        num_classes=3,
        norm_cfg=NORM,
        loss_decode=[
            dict(type='OhemCrossEntropy', thres=0.9, min_kept=10),
            dict(type='OhemCrossEntropy', thres=0.9, min_kept=10),
        ],
    ),
)


@pytest.mark.parametrize('propagate', ['feature', 'logits'])
@pytest.mark.parametrize('segmentor', [PIDNET, DDRNET], ids=['pidnet', 'ddrnet'])
def test_heads_that_read_and_return_several_maps_in_training_only(segmentor, propagate):
    assert train_and_predict(build(segmentor, propagate)) == []


@pytest.mark.parametrize('segmentor', [PIDNET, DDRNET], ids=['pidnet', 'ddrnet'])
def test_their_features_change_with_the_mode(segmentor):
    with pytest.raises(
        ValueError, match=r"reads other features in training than.* use propagate='feature' or 'logits'"
    ):
        build(segmentor, 'backbone')
