import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData

pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from mmvidext.models.segmentors import deeplabv2
from mmvidext.registry import MODELS
from tests.models.segmentors.tiny import constant_flow, fcn

NECK = dict(
    type='mmvidext.LSDFNNeck', in_channels=64, dynamic_channels=3, num_samples=3, post_channels=6, feature_channels=8,
    kernel_channels=8,
)  # fmt: skip


def make_config(**kwargs):
    return dict(
        type='mmvidext.DeepLabV2',
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=(32, 48)
        ),
        backbone=dict(type='ResNet', depth=18, base_channels=8, num_stages=4, strides=(1, 2, 1, 1)),
        neck=NECK,
        decode_head=dict(type='mmvidext.DeepLabV2Head', in_channels=70, num_classes=3, dilations=(1, 2)),
        train_cfg=dict(),
        test_cfg=ConfigDict(mode='whole'),
        **kwargs,
    )


def make_model(**kwargs):
    init_default_scope('mmseg')
    return MODELS.build(make_config(**kwargs))


def make_batch():
    samples = []
    for _ in range(2):
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 3, (1, 32, 48))))
        sample.set_metainfo(dict(img_shape=(32, 48), ori_shape=(40, 60), pad_shape=(32, 48), padding_size=[0] * 4))
        samples.append(sample)
    return torch.randn(2, 3, 32, 48), samples


def test_takes_the_maximum_over_the_scales():
    model = make_model(scales=(1.0, 0.5)).eval()
    inputs, _ = make_batch()
    with torch.no_grad():
        full = model.decode_head(model.extract_feat(inputs))
        half = model.decode_head(model.extract_feat(F.interpolate(inputs, scale_factor=0.5, mode='bilinear')))
        half = F.interpolate(half, size=full.shape[2:], mode='bilinear')
        fused = torch.maximum(full, half)
        torch.testing.assert_close(model(inputs), fused)
        scores = model.encode_decode(inputs, [dict(img_shape=(32, 48))] * 2)
    torch.testing.assert_close(scores, F.interpolate(fused, size=(32, 48), mode='bilinear'))
    assert (fused != full).any()
    assert (fused != half).any()


def test_every_scale_has_a_loss_and_every_parameter_a_gradient():
    model = make_model(scales=(1.0, 0.75, 0.5))
    losses = model.loss(*make_batch())
    names = [f'decode{part}.loss_ce' for part in ('', '.scale100', '.scale75', '.scale50')]
    assert [name for name in losses if 'loss' in name] == names
    sum(losses[name] for name in names).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_one_scale_is_a_plain_encoder_decoder():
    model = make_model()
    inputs, samples = make_batch()
    assert [name for name in model.loss(inputs, samples) if 'loss' in name] == ['decode.loss_ce']
    model.eval()
    assert model.predict(inputs, samples)[0].pred_sem_seg.data.shape == (1, 40, 60)


def test_crf_sees_the_picture_and_its_result_is_what_is_predicted(monkeypatch):
    """A stand-in for the CRF: it says class 2 wherever the picture's red is high."""
    seen = []

    class RedIsTwo:
        def __init__(self, iterations):
            self.iterations = iterations

        def refine(self, image, probabilities):
            seen.append((image, probabilities))
            refined = np.zeros_like(probabilities)
            refined[2] = image[..., 0] > 150
            refined[0] = 1 - refined[2]
            return refined

    monkeypatch.setattr(deeplabv2, 'DenseCRF', RedIsTwo)
    model = make_model(crf=dict(iterations=3)).eval()
    picture = torch.randint(0, 256, (3, 32, 48), dtype=torch.uint8)  # BGR, as it is loaded
    sample = make_batch()[1][0]
    sample.set_metainfo(dict(ori_shape=(32, 48)))
    prediction = model.test_step(dict(inputs=[picture], data_samples=[sample]))[0].pred_sem_seg.data.squeeze(0)
    assert model.crf.iterations == 3
    np.testing.assert_array_equal(seen[0][0], picture.flip(0).permute(1, 2, 0).numpy())
    np.testing.assert_allclose(seen[0][1].sum(0), 1, atol=1e-5)
    assert torch.equal(prediction == 2, picture[2] > 150)


def test_a_binary_head_stays_as_it_is_where_the_crf_changes_nothing(monkeypatch):
    """Its one output is the foreground's logit: softmax over it alone would be 1 everywhere."""
    seen = []

    class Unchanged:
        def refine(self, image, probabilities):
            seen.append(probabilities)
            return probabilities

    monkeypatch.setattr(deeplabv2, 'DenseCRF', Unchanged)
    init_default_scope('mmseg')
    config = make_config(crf={})
    loss = dict(type='CrossEntropyLoss', use_sigmoid=True)
    config['decode_head'].update(num_classes=2, out_channels=1, threshold=0.3, loss_decode=loss)
    model = MODELS.build(config).eval()
    inputs, samples = make_batch()
    refined = model.predict(inputs, samples)
    model.crf = None
    plain = model.predict(inputs, samples)
    for probability, after, before in zip(seen, refined, plain, strict=True):
        assert probability.shape == (2, 32, 48)
        np.testing.assert_allclose(probability.sum(0), 1, atol=1e-5)
        torch.testing.assert_close(after.seg_logits.data, before.seg_logits.data, atol=1e-4, rtol=1e-4)


def test_real_crf_refines():
    pytest.importorskip('pydensecrf', reason='pydensecrf, an optional dependency, is not installed')
    model = make_model(crf={}).eval()
    inputs, samples = make_batch()
    assert model.predict(inputs, samples)[1].pred_sem_seg.data.shape == (1, 40, 60)
    assert len(model.predict(inputs)) == 2


@pytest.mark.parametrize('scales', [(), (1.0, 0.0)])
def test_bad_scales(scales):
    with pytest.raises(ValueError, match='scales must be one or more, for example'):
        make_model(scales=scales)


@pytest.mark.parametrize('propagate', ['logits', 'backbone'])
def test_the_head_in_deep_feature_flow(propagate):
    """It has no classifier of its own: two ways of propagation run, the third says why it cannot."""
    init_default_scope('mmseg')
    segmentor = fcn()
    segmentor.decode_head = dict(type='mmvidext.DeepLabV2Head', in_channels=64, in_index=3, num_classes=3)
    config = dict(type='mmvidext.DeepFeatureFlow', segmentor=segmentor, flow_net=constant_flow())
    model = MODELS.build({**config, 'propagate': propagate}).eval()
    clip = torch.rand(1, 2, 3, 32, 48)
    with torch.no_grad():
        image = model.segmentor.encode_decode(clip[:, 0], [dict(img_shape=(32, 48), ori_shape=(32, 48))])
        (sample,) = model.predict(clip[:, :1])
    torch.testing.assert_close(sample.pred_sem_seg.data[0], image.argmax(1)[0])
    with pytest.raises(ValueError, match="DeepLabV2Head is not made so: use propagate='logits' or 'backbone'"):
        MODELS.build({**config, 'propagate': 'feature'})
