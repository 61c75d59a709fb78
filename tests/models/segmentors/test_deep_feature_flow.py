import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.ops import flow_warp
from tests.models.segmentors.tiny import constant_flow, fcn

FLOWNET = dict(type='mmvidext.FlowNetS', width=0.0625)


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')  # every layer's initialization is logged otherwise


def make(flow_net=None, *, segmentor=None, train=False, **kwargs):
    torch.manual_seed(1)
    model = DeepFeatureFlow(segmentor or fcn(), flow_net or FLOWNET, **kwargs)
    model.init_weights()
    with torch.no_grad():
        for conv in model.feature_flow.scale_convs:
            conv.weight.normal_()
    return model.train(train)


def clip(num_frames=2, *, num=1, size=(32, 64)):
    return torch.randn(num, num_frames, 3, *size, generator=torch.Generator().manual_seed(7))


def samples(distances, size=(32, 64)):
    result = []
    for distance in distances:
        sample = SegDataSample(metainfo=dict(propagation_distance=distance, ori_shape=size, img_shape=size))
        sample.gt_sem_seg = PixelData(data=torch.randint(3, (1, *size)))
        result.append(sample)
    return result


def plain_logits(model, frame):
    segmentor = model.segmentor
    return segmentor.decode_head(segmentor.extract_feat(frame))


@pytest.mark.parametrize('propagate', ['feature', 'backbone', 'logits'])
class TestEveryCut:
    def test_interval_1_is_the_plain_segmentor_exactly(self, propagate):
        model = make(propagate=propagate, key_frame_interval=1)
        frames = clip(3)
        expected = model.segmentor(frames[:, -1], mode='predict')[0]
        actual = model(frames, mode='predict')[0]
        assert torch.equal(actual.seg_logits.data, expected.seg_logits.data)
        assert torch.equal(actual.pred_sem_seg.data, expected.pred_sem_seg.data)

    def test_zero_flow_with_scale_1_is_the_key_frame(self, propagate):
        model = make(constant_flow(), propagate=propagate)
        for conv in model.feature_flow.scale_convs:
            torch.nn.init.zeros_(conv.weight)
        frames = clip()
        torch.testing.assert_close(model(frames), plain_logits(model, frames[:, 0]), rtol=0, atol=0)

    def test_the_clip_is_a_stream(self, propagate):
        model = make(propagate=propagate, key_frame_interval=3)
        frames = clip(6)
        key_frame = None
        for index in range(6):
            frame = frames[:, index]
            if index % 3 == 0:
                key_frame = model.encode_key_frame(frame)
                logits = model.decode(key_frame.maps)
            else:
                logits = model.propagate(key_frame, model.estimate_motion(frame, key_frame))
            assert torch.equal(logits, model(frames[:, : index + 1]))

    def test_a_distance_of_0_bypasses_warp_and_scale(self, propagate):
        model = make(propagate=propagate)
        frames = clip(num=2)
        frames[1, 1] = frames[1, 0]
        logits = model(frames, samples([3, 0]))
        torch.testing.assert_close(logits[:1], model(frames[:1]))
        torch.testing.assert_close(logits[1:], plain_logits(model, frames[1:, 0]))
        assert not torch.allclose(logits[1:], model(frames[1:]))

    def test_every_parameter_learns(self, propagate):
        segmentor = fcn(
            auxiliary_head=dict(type='FCNHead', in_channels=32, in_index=2, channels=8, num_convs=1, num_classes=3)
        )
        model = make(segmentor=segmentor, propagate=propagate, train=True)
        losses = model(clip(num=2, size=(64, 64)), samples([2, 0], (64, 64)), mode='loss')
        assert {'decode.loss_ce', 'aux.loss_ce'} <= set(losses)
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
        assert without == []


def test_a_key_frame_among_the_samples_without_auxiliary_head():
    losses = make(train=True)(clip(num=2), samples([2, 0]), mode='loss')
    assert torch.isfinite(losses['decode.loss_ce'])


def test_the_paper_s_propagation_written_out():
    """Eq. 4 at stride 8: flow of the half-size frames is a quarter in feature pixels; scale starts at exactly 1."""
    model = make(constant_flow(4, -8))
    frames = clip()
    key_frame = model.encode_key_frame(frames[:, 0])
    warped = flow_warp(key_frame.maps[0], torch.tensor([1.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 4, 8))
    scale = 1 + model.feature_flow.scale_convs[0].weight.sum(1).view(1, -1, 1, 1)
    torch.testing.assert_close(model(frames), model.decode_head.conv_seg(warped * scale))


def test_the_scale_map_starts_as_1():
    model = DeepFeatureFlow(fcn(), FLOWNET)
    model.init_weights()
    assert not model.feature_flow.scale_convs[0].weight.any()
    assert len(DeepFeatureFlow(fcn(), FLOWNET, scale_map=False).feature_flow.scale_convs) == 0


def test_the_flow_network_sees_half_size_frames_normalized_its_own_way():
    model = make(flow_input=dict(mean=(1.0, 2.0, 3.0), std=(2.0, 2.0, 2.0), swap_channels=True))
    pixels = torch.rand(1, 3, 31, 64) * 255
    preprocessor = model.data_preprocessor
    frame = (pixels - preprocessor.mean) / preprocessor.std
    halved = torch.nn.functional.avg_pool2d(pixels, 2, ceil_mode=True)
    expected = (halved.flip(1) - torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)) / 2
    torch.testing.assert_close(model.prepare_flow_frame(frame), expected)


@pytest.mark.parametrize('propagate', ['feature', 'logits'])
def test_autocast(propagate):
    model, frames = make(propagate=propagate), clip()
    with torch.no_grad():
        expected = model(frames)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            actual = model(frames)
    torch.testing.assert_close(actual.float(), expected, atol=0.05, rtol=0.05)


@pytest.mark.parametrize('size', [(33, 65), (40, 72)])
def test_odd_sizes(size):
    assert make()(clip(size=size), mode='predict')[0].pred_sem_seg.data.shape == (1, *size)


@pytest.mark.parametrize(
    ('freeze', 'learning'),
    [
        (('flow',), {'segmentor', 'scale'}),
        (('feature', 'task'), {'flow_net', 'scale'}),
        (('feature',), {'classifier', 'flow_net', 'scale'}),
        (('task',), {'segmentor', 'flow_net', 'scale'}),
    ],
)
def test_freezing(freeze, learning):
    model = make(freeze=freeze, train=True)
    before = {name: buffer.clone() for name, buffer in model.segmentor.named_buffers()}
    model(clip(num=2), samples([1, 2]), mode='loss')
    assert all(torch.equal(before[name], buffer) for name, buffer in model.segmentor.named_buffers()) == (
        'feature' in freeze
    )
    kinds = {
        'segmentor.decode_head.conv_seg': 'classifier',
        'segmentor': 'segmentor',
        'feature_flow.flow_net': 'flow_net',
        'feature_flow.scale_convs': 'scale',
    }
    trained = set()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            trained.add(next(kind for prefix, kind in kinds.items() if name.startswith(prefix)))
    if 'segmentor' in trained and 'task' not in freeze:
        trained.discard('classifier')
    assert trained == learning


def test_a_checkpoint_of_the_plain_segmentor_loads(tmp_path):
    from mmengine.runner import load_checkpoint, save_checkpoint

    plain, model = make().segmentor, make(freeze=('flow',))
    with torch.no_grad():
        plain.decode_head.conv_seg.weight.fill_(5)
    save_checkpoint({'state_dict': plain.state_dict()}, str(tmp_path / 'plain.pth'))
    flow = {name: value.clone() for name, value in model.feature_flow.state_dict().items()}
    load_checkpoint(model, str(tmp_path / 'plain.pth'), map_location='cpu')
    assert (model.decode_head.conv_seg.weight == 5).all()
    assert all(torch.equal(value, flow[name]) for name, value in model.feature_flow.state_dict().items())
    model.load_state_dict(model.state_dict())  # its own checkpoint too


def test_backbone_propagation_warps_only_what_the_head_reads():
    model = make(propagate='backbone')
    assert model.cut.channels == (64,)
    assert len(model.encode_key_frame(clip()[:, 0]).maps) == 1


def test_sliding_windows_propagate_their_logits():
    """A key frame is the plain segmentor's, exactly; whole pixels of constant flow move its logits as they are."""
    segmentor = ConfigDict(fcn(), test_cfg=dict(mode='slide', crop_size=(16, 32), stride=(8, 16)))
    model = DeepFeatureFlow(segmentor, constant_flow(x=2.0), propagate='logits', scale_map=False).eval()
    frames = clip()
    with torch.no_grad():
        plain = model.segmentor.predict(frames[:, 0].clone())[0].seg_logits.data
        key = model.predict(frames[:, :1])[0].seg_logits.data
        moved = model.predict(frames)[0].seg_logits.data
        key_frame = model.encode_key_frame(frames[:, 0])
        streamed = model.propagate(key_frame, model.estimate_motion(frames[:, 1], key_frame))[0]
    assert torch.equal(key, plain)
    torch.testing.assert_close(moved[..., :-4], plain[..., 4:])  # 2 pixels of the half-size frame
    torch.testing.assert_close(streamed, moved)
    assert model.train()(frames).shape[-1] < frames.shape[-1]  # windows are for inference


class TestErrors:
    def test_interval(self):
        with pytest.raises(ValueError, match='key_frame_interval must be a whole number, at least 1, but is 0'):
            DeepFeatureFlow(fcn(), FLOWNET, key_frame_interval=0)

    def test_cut(self):
        with pytest.raises(ValueError, match=r"propagate must be one of .* but got 'image'"):
            DeepFeatureFlow(fcn(), FLOWNET, propagate='image')

    def test_freeze(self):
        with pytest.raises(ValueError, match=r"freeze may name .* but got \['head'\]"):
            DeepFeatureFlow(fcn(), FLOWNET, freeze=('head',))
        with pytest.raises(ValueError, match=r"freeze must be a list of .*, such as \['flow'\], but is 'flow'"):
            DeepFeatureFlow(fcn(), FLOWNET, freeze='flow')
        with pytest.raises(ValueError, match='nothing runs behind the warp'):
            DeepFeatureFlow(fcn(), FLOWNET, freeze=('task',), propagate='logits')

    def test_images_instead_of_clips(self):
        with pytest.raises(ValueError, match=r'inputs must be clips \(N, T, 3, H, W\).* \(1, 3, 32, 64\)'):
            make()(torch.rand(1, 3, 32, 64))

    def test_sliding_window(self):
        segmentor = ConfigDict(fcn(), test_cfg=dict(mode='slide', crop_size=(16, 16), stride=(8, 8)))
        for propagate in ('feature', 'backbone'):
            with pytest.raises(ValueError, match=r"test_cfg has mode='slide'.* set propagate='logits'"):
                DeepFeatureFlow(segmentor, FLOWNET, propagate=propagate)

    def test_foreign_data_preprocessor(self):
        with pytest.raises(ValueError, match=r'data_preprocessor must be a mmvidext.*it is a ImgDataPreprocessor'):
            DeepFeatureFlow(fcn(), FLOWNET, data_preprocessor=dict(type='mmengine.ImgDataPreprocessor'))

    def test_a_segmentor_with_more_than_backbone_and_head(self):
        with pytest.raises(ValueError, match='DeepLabV2 does more than its backbone and its decode head'):
            DeepFeatureFlow(ConfigDict(fcn(), type='mmvidext.DeepLabV2', scales=(1.0, 0.5)), FLOWNET)

    def test_a_foreign_flow_network(self):
        with pytest.raises(ValueError, match=r'flow_net must have feature_channels.*but FlowDataPreprocessor has not'):
            DeepFeatureFlow(fcn(), dict(type='mmvidext.FlowDataPreprocessor'))


@pytest.mark.parametrize('propagate', ['feature', 'backbone', 'logits'])
def test_a_stream_compiles_without_graph_breaks(propagate):
    model, frames = make(propagate=propagate), clip()

    def step(key, current):
        key_frame = model.encode_key_frame(key)
        motion = model.estimate_motion(current, key_frame)
        return model.decode(key_frame.maps), model.propagate(key_frame, motion)

    with torch.no_grad():
        expected = step(frames[:, 0], frames[:, 1])
        actual = torch.compile(step, fullgraph=True, backend='eager')(frames[:, 0], frames[:, 1])
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_running_the_model_leaves_the_head_as_it_is():
    model = make(train=True)
    before = set(vars(model.decode_head))
    model(clip(num=2), samples([1, 2]), mode='loss')
    assert set(vars(model.decode_head)) == before
    assert not model.decode_head.conv_seg._forward_pre_hooks
    assert not model.decode_head.conv_seg._forward_hooks


def test_several_outputs_of_a_head_are_warped_beside_the_logits():
    """DANet's loss reads the logits of two branches too: plainly warped, and bit for bit at distance 0."""
    segmentor = fcn()
    segmentor['decode_head'] = dict(
        type='DAHead', in_channels=64, in_index=3, channels=8, pam_channels=8, num_classes=3
    )
    segmentor['decode_head']['dropout_ratio'] = 0
    model = make(constant_flow(8, 0), segmentor=segmentor)
    frames, data = clip(num=2), samples([1, 0])
    seen = []
    model.decode_head.loss_by_feat = lambda outputs, _: seen.extend(outputs) or {}
    model.loss(frames, data)
    merged, *branches = model.decode_head(model.segmentor.extract_feat(frames[:, 0]))
    flow = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 4, 8)  # half-size pixels at a stride of 4 of them
    for warped, branch in zip(seen[1:], branches, strict=True):
        torch.testing.assert_close(warped[:1], flow_warp(branch[:1], flow))
        assert torch.equal(warped[1], branch[1])
    assert torch.equal(seen[0][1], merged[1])


def test_a_preprocessor_of_images_becomes_one_of_clips():
    """A full mmseg config has its data_preprocessor at the top level too, and mmengine hands it to the model."""
    model = DeepFeatureFlow(
        fcn(), FLOWNET, data_preprocessor=dict(type='SegDataPreProcessor', mean=[1.0] * 3, std=[2.0] * 3)
    )
    assert type(model.data_preprocessor).__name__ == 'VideoSegDataPreProcessor'
    assert model.data_preprocessor.mean.flatten().tolist() == [1.0] * 3


def test_arguments_of_the_segmentor_are_handed_on():
    model = DeepFeatureFlow(fcn(), FLOWNET, train_cfg=dict(a=1), test_cfg=dict(mode='whole', b=2), pretrained='x.pth')
    assert model.segmentor.train_cfg == dict(a=1)
    assert model.segmentor.test_cfg['b'] == 2
    assert model.segmentor.backbone.init_cfg['checkpoint'] == 'x.pth'
    assert (model.out_channels, model.num_classes) == (3, 3)
