import copy
import pickle

import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmdet.registry import MODELS as DET_MODELS
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint, save_checkpoint

from mmvidext.models.detectors import DeepFeatureFlowDetector
from mmvidext.ops import flow_warp
from tests.models.detectors.tiny import DETECTORS, FLOWNET, clips, detector, sample
from tests.models.segmentors.tiny import constant_flow

RETINANET = 'retinanet/retinanet_r50_fpn_1x_coco.py'


@pytest.fixture(autouse=True, scope='module')
def detection_scope():
    init_default_scope('mmdet')
    MMLogger.get_current_instance().setLevel('ERROR')


def make(name=RETINANET, flow_net=None, *, train=False, **kwargs):
    torch.manual_seed(1)
    model = DeepFeatureFlowDetector(detector(name), flow_net or FLOWNET, **kwargs)
    model.init_weights()
    with torch.no_grad():
        for conv in model.feature_flow.scale_convs:
            conv.weight.normal_(std=0.1)
    return model.train(train)


def prepare(model, num_frames=2, distances=(None,), **kwargs):
    samples = [sample(distance, **kwargs) for distance in distances]
    data = dict(inputs=clips(num_frames, num=len(samples)), data_samples=samples)
    return model.data_preprocessor(data, training=model.training)


def assert_same_instances(found, expected):
    assert found.keys() == expected.keys()
    assert len(found) == len(expected)
    for name, value in found.items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(expected[name])), name


@pytest.mark.parametrize('name', DETECTORS, ids=lambda name: name.split('/')[1][:24])
def test_interval_1_and_a_clip_of_one_frame_are_the_plain_detector_exactly(name):
    with_mask = 'mask' in name or 'solo' in name
    model = make(name, scale_map=False, key_frame_interval=1)
    plain = DET_MODELS.build(detector(name))
    assert type(model.detector).__name__ == type(plain).__name__
    assert model.num_classes == 80
    plain.load_state_dict(model.detector.state_dict())
    raw = clips(3)
    image = dict(inputs=[raw[0][-1]], data_samples=[sample(with_mask=with_mask)])
    for clip in (raw, [raw[0][-1:]], image['inputs']):
        data = dict(inputs=clip, data_samples=[sample(with_mask=with_mask)])
        with torch.no_grad():
            (expected,), (found,) = plain.eval().test_step(copy.deepcopy(image)), model.eval().test_step(data)
        assert len(found.pred_instances)
        assert_same_instances(found.pred_instances, expected.pred_instances)
    both = []
    for one, batch in ((plain, image), (model, dict(inputs=raw, data_samples=[sample(with_mask=with_mask)]))):
        one.train()
        torch.manual_seed(0)  # of the samplers
        both.append(one(**one.data_preprocessor(batch, True), mode='loss'))
    expected, found = both
    assert found.keys() == expected.keys()
    assert all(torch.equal(torch.stack([*_flat(found[key])]), torch.stack([*_flat(expected[key])])) for key in found)


def _flat(loss):
    return loss if isinstance(loss, list) else [loss]


@pytest.mark.parametrize('name', ['faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', RETINANET])
def test_every_parameter_that_may_learn_learns(name):
    model = make(name, train=True)
    losses = model(**prepare(model, distances=(3, 0)), mode='loss')
    sum(sum(_flat(loss)) for key, loss in losses.items() if 'loss' in key).backward()
    without = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    flow_net = model.feature_flow.flow_net
    assert flow_net.conv1.weight.grad.abs().sum() > 0
    assert all(conv.weight.grad.abs().sum() > 0 for conv in model.feature_flow.scale_convs[:3])


def test_a_clip_is_a_stream():
    model = make(key_frame_interval=3)
    data = prepare(model, 6)
    frames, (one,) = data['inputs'], data['data_samples']
    with torch.no_grad():
        for index in range(6):
            frame = frames[:, index]
            if index % 3 == 0:
                key_frame = model.encode_key_frame(frame)
                maps = key_frame.maps
            else:
                maps = model.feature_flow(key_frame.maps, model.estimate_motion(frame, key_frame))
            (expected,) = model.decode(maps, [copy.deepcopy(one)])
            (found,) = model.predict(frames[:, : index + 1], [copy.deepcopy(one)])
            assert_same_instances(found.pred_instances, expected.pred_instances)


def test_a_distance_of_0_bypasses_warp_and_scale():
    model = make()
    data = prepare(model, distances=(3, 0))
    with torch.no_grad():
        maps = model.extract_feat(**_named(data))
        own = model.encode_maps(data['inputs'][:, 0])
        moved = model.extract_feat(data['inputs'], [sample(3), sample(2)])
        alone = model.extract_feat(data['inputs'][1:], [sample(0)])
    for found, key, other, single in zip(maps, own, moved, alone, strict=True):
        assert torch.equal(found[1], key[1])
        torch.testing.assert_close(found[0], other[0])
        assert not torch.allclose(other[1], key[1])
        torch.testing.assert_close(single[0], key[1])


def _named(data):
    return dict(batch_inputs=data['inputs'], batch_data_samples=data['data_samples'])


def test_every_map_is_warped_by_the_same_flow():
    """Flow of 8 pixels of the half-size frames is 16 of the image: 2 at stride 8, a quarter at stride 64."""
    model = make(flow_net=constant_flow(x=8.0), scale_map=False)
    data = prepare(model)
    with torch.no_grad():
        key = model.encode_maps(data['inputs'][:, 0])
        maps = model.extract_feat(**_named(data))
    for found, feature, stride in zip(maps, key, (8, 16, 32, 64, 128), strict=True):
        flow = torch.tensor([16.0 / stride, 0.0]).view(1, 2, 1, 1).expand(1, 2, *feature.shape[-2:])
        torch.testing.assert_close(found, flow_warp(feature, flow))


class TestKeptKeyFrame:
    """An evaluation in order costs what a stream costs, and any order has the same results."""

    def evaluate(self, model, order):
        model.eval()  # as every loop does at its start
        calls = []
        handle = model.detector.backbone.register_forward_hook(lambda *_: calls.append(1))
        stream = clips(6)[0]
        results = {}
        with torch.no_grad():
            for number in order:
                distance = number % 3
                clip = stream[[number - distance, number]]
                one = sample(distance)
                (found,) = model.test_step(dict(inputs=[clip], data_samples=[one]))
                results[number] = found.pred_instances
        handle.remove()
        return results, len(calls)

    def test_it_is_encoded_once(self):
        model = make()
        in_order, calls = self.evaluate(model, range(6))
        assert calls == 2
        shuffled, calls = self.evaluate(model, [4, 1, 5, 0, 3, 2])
        assert calls == 6
        for number, instances in in_order.items():
            assert_same_instances(instances, shuffled[number])

    def test_new_weights_forget_it(self):
        model = make()
        before, _ = self.evaluate(model, [1])
        with torch.no_grad():
            model.detector.backbone.conv1.weight.mul_(1.5)
        after, calls = self.evaluate(model, [1])
        assert calls == 1
        assert not torch.equal(before[1].scores, after[1].scores)

    def test_loaded_weights_forget_it(self):
        model = make()
        data, weights = prepare(model), copy.deepcopy(model.state_dict())
        with torch.no_grad():
            expected = model.extract_feat(data['inputs'])
            weights['detector.backbone.conv1.weight'].mul_(1.5)
            model.load_state_dict(weights)
            found = model.extract_feat(data['inputs'])
        assert not torch.equal(found[0], expected[0])

    def test_another_key_frame_is_encoded_whatever_its_sample_says(self):
        """Another flip, or the video of another data set that has the same number."""
        model = make()
        clip = prepare(model)['inputs']
        other = clip.flip(-2)
        with torch.no_grad():
            expected = copy.deepcopy(model).extract_feat(other)
            model.extract_feat(clip)
            found = model.extract_feat(other)
            model.extract_feat(clip)
            in_its_place = model.extract_feat(clip.copy_(other))
        assert torch.equal(found[0], expected[0])
        assert torch.equal(in_its_place[0], expected[0])

    def test_another_size_of_the_image_in_it_is_another_key_frame(self):
        model = make()
        data = prepare(model)
        narrow = [sample(size=(64, 80))]
        with torch.no_grad():
            expected = copy.deepcopy(model).extract_feat(data['inputs'], narrow)
            model.extract_feat(**_named(data))
            found = model.extract_feat(data['inputs'], narrow)
        assert torch.equal(found[0], expected[0])

    def test_with_gradients_nothing_is_kept(self):
        model, gradients = make(), []
        for _ in range(2):
            model.zero_grad()
            model.extract_feat(prepare(model)['inputs'])[0].sum().backward()
            gradients.append(model.feature_flow.flow_net.conv1.weight.grad)
        assert gradients[0].abs().sum() > 0
        assert torch.equal(*gradients)


def test_padding_does_not_reach_the_flow_network():
    model = make(flow_input=dict(mean=(1.0, 2.0, 3.0), std=(2.0, 2.0, 2.0)))
    small, large = clips(size=(48, 80)) + clips(size=(64, 96))
    data = model.data_preprocessor(dict(inputs=[small, large], data_samples=[sample(size=(48, 80)), sample()]))
    sizes = [(48, 80), (64, 96)]
    frame = model.prepare_flow_frame(data['inputs'][:, 1], sizes)
    assert (frame[0, :, 24:] == 0).all()
    assert (frame[0, :, :, 40:] == 0).all()
    assert (model.prepare_flow_frame(data['inputs'][:, 1])[0, :, 24:] != 0).any()
    pixels = small[1].flip(0).float() if model.data_preprocessor._channel_conversion else small[1].float()
    expected = torch.nn.functional.avg_pool2d((pixels - torch.tensor([1.0, 2, 3]).view(3, 1, 1)) / 2, 2)
    torch.testing.assert_close(frame[0, :, :24, :40], expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ('freeze', 'learning'),
    [
        (('flow',), {'backbone', 'neck', 'bbox_head', 'scale'}),
        (('feature', 'task'), {'flow', 'scale'}),
        (('feature',), {'bbox_head', 'flow', 'scale'}),
        (('task',), {'backbone', 'neck', 'flow', 'scale'}),
    ],
)
def test_freezing(freeze, learning):
    kinds = {'feature_flow.flow_net': 'flow', 'feature_flow.scale_convs': 'scale'}
    kinds |= {f'detector.{part}': part for part in ('backbone', 'neck', 'bbox_head')}
    trained = {
        next(kind for prefix, kind in kinds.items() if name.startswith(prefix))
        for name, parameter in make(freeze=freeze).named_parameters()
        if parameter.requires_grad
    }
    assert trained == learning


def test_a_checkpoint_of_the_plain_detector_loads(tmp_path):
    model = make()
    plain = DET_MODELS.build(detector(RETINANET))
    with torch.no_grad():
        plain.bbox_head.retina_cls.weight.fill_(5)
    save_checkpoint({'state_dict': plain.state_dict()}, str(tmp_path / 'plain.pth'))
    flow = {name: value.clone() for name, value in model.feature_flow.state_dict().items()}
    load_checkpoint(model, str(tmp_path / 'plain.pth'), map_location='cpu')
    assert (model.detector.bbox_head.retina_cls.weight == 5).all()
    assert all(torch.equal(value, flow[name]) for name, value in model.feature_flow.state_dict().items())
    copy.deepcopy(model).load_state_dict(model.state_dict())


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_detects_the_same(copied):
    model = make()
    data, other = prepare(model), copied(model)
    assert type(other.detector) is type(model.detector) is not type(DET_MODELS.build(detector(RETINANET)))
    assert other.detector.backbone is not model.detector.backbone
    with torch.no_grad():
        (expected,), (found,) = model(**data, mode='predict'), other(**copy.deepcopy(data), mode='predict')
    assert_same_instances(found.pred_instances, expected.pred_instances)


def test_autocast():
    model = make()
    data = prepare(model)
    with torch.no_grad():
        expected = model.extract_feat(data['inputs'])
        with torch.autocast('cpu', dtype=torch.bfloat16):
            actual = model.extract_feat(data['inputs'])
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one.float(), other, atol=0.1 * float(other.abs().max()), rtol=0.1)


class TestErrors:
    def test_interval(self):
        with pytest.raises(ValueError, match='key_frame_interval must be a whole number, at least 1, but is 0'):
            make(key_frame_interval=0)

    def test_freeze(self):
        with pytest.raises(ValueError, match=r"freeze may name .* but got \['head'\]"):
            make(freeze=('head',))

    def test_warp_form(self):
        with pytest.raises(ValueError, match=r"warp_form must be one of \('official', 'mmtracking'\), but got 'x'"):
            make(warp_form='x')

    def test_images_instead_of_clips(self):
        with pytest.raises(ValueError, match=r'inputs must be clips \(N, T, 3, H, W\).* \(1, 3, 32, 64\)'):
            make().extract_feat(torch.rand(1, 3, 32, 64))

    @pytest.mark.parametrize('kind', ['SoftTeacher', 'ResNet', 'NoSuchThing'])
    def test_no_detector(self, kind):
        with pytest.raises(ValueError, match=f'detector must be a single- or two-stage .* but it is a {kind}'):
            DeepFeatureFlowDetector(ConfigDict(type=kind), FLOWNET)

    def test_data_preprocessor(self):
        with pytest.raises(ValueError, match=r'must be a mmvidext.VideoDetDataPreprocessor.*it is a ImgDataPreproc'):
            DeepFeatureFlowDetector(detector(RETINANET), FLOWNET, data_preprocessor=dict(type='ImgDataPreprocessor'))
