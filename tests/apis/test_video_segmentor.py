import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger

from mmvidext.apis import VideoSegmentor
from mmvidext.apis.frame_sources import open_source
from mmvidext.apis.video_segmentor import draw_overlay
from mmvidext.datasets import CityscapesVideoDataset
from mmvidext.models.propagation import AdaptiveInterval
from tests.models.segmentors.tiny import constant_flow, fcn

PIPELINE = [
    dict(type='mmvidext.LoadClip'),
    dict(type='mmvidext.ClipTransform', transforms=[dict(type='Resize', scale=(64, 32), keep_ratio=True)]),
    dict(type='mmvidext.LoadClipAnnotations'),
    dict(type='mmvidext.PackClipInputs'),
]


def make(*, interval=3, num_classes=19, **kwargs):
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.manual_seed(0)
    config = Config(
        dict(
            default_scope='mmseg',
            model=dict(
                type='mmvidext.DeepFeatureFlow',
                segmentor=fcn(num_classes),
                flow_net=dict(type='mmvidext.FlowNetS', width=0.0625),
                key_frame_interval=interval,
            ),
            test_dataloader=dict(dataset=dict(type='mmvidext.CityscapesVideoDataset', pipeline=PIPELINE)),
        )
    )
    for name, value in kwargs.pop('options', {}).items():
        *path, last = name.split('.')
        part = config
        for step in path:
            part = part[step]
        part[last] = ConfigDict(value) if isinstance(value, dict) else value
    return VideoSegmentor(config, **kwargs)


def frames(num=7, size=(48, 96)):
    return np.random.default_rng(0).integers(0, 256, (num, *size, 3), dtype=np.uint8)


def write_video(path, num=12, size=(48, 96)):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 25, size[::-1])
    for frame in frames(num, size):
        writer.write(frame)
    writer.release()


def count_frames(path):
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.read()[0]:
        number += 1
    return number


def not_finite(_, inputs):
    return tuple(value * float('nan') for value in inputs)


def test_scores_that_are_not_finite_are_an_error_and_the_next_frame_is_a_key_frame():
    segmentor = make(interval=10)
    stream = frames(3)
    expected = make().step(stream[2])
    hook = segmentor.model.segmentor.backbone.register_forward_pre_hook(not_finite)
    with pytest.raises(ValueError, match='the scores of the model are not finite: check its weights and its data'):
        segmentor.step(stream[0])
    hook.remove()
    np.testing.assert_array_equal(segmentor.step(stream[2]), expected)
    assert segmentor.is_key_frame
    first = next(one for one in segmentor.model.feature_flow.flow_net.modules() if isinstance(one, torch.nn.Conv2d))
    first.register_forward_pre_hook(not_finite)
    with pytest.raises(ValueError, match='the scores of the model are not finite'):
        segmentor.step(stream[1])


def test_the_frames_before_one_that_is_not_finite_are_kept(tmp_path):
    write_video(tmp_path / 'in.avi', num=3)
    segmentor = make()
    classify = segmentor.model.decode_head.conv_seg

    def spoil_the_next(*_):
        classify.register_forward_pre_hook(not_finite)

    with pytest.raises(ValueError, match='the scores of the model are not finite'):
        segmentor.segment_video(tmp_path / 'in.avi', tmp_path / 'out', on_frame=spoil_the_next)
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['000001.png']


def test_weights_of_another_model_are_refused(tmp_path):
    torch.save(make().model.state_dict(), tmp_path / 'whole.pth')
    whole = make(checkpoint=tmp_path / 'whole.pth').model.state_dict()
    changed = {name: value + 1 for name, value in whole.items()}
    torch.save(changed, tmp_path / 'changed.pth')
    for name, value in make(checkpoint=tmp_path / 'changed.pth').model.state_dict().items():
        assert torch.equal(value, changed[name]), name
    torch.save({'w': torch.zeros(1)}, tmp_path / 'small.pth')
    with pytest.raises(ValueError, match=r'small\.pth'):
        make(checkpoint=tmp_path / 'small.pth')


def test_streaming_equals_the_clip():
    segmentor = make()
    stream = frames()
    resized = [cv2.resize(frame[..., ::-1], (64, 32)) for frame in stream]
    for index, frame in enumerate(stream):
        labels = segmentor.step(frame)
        clip = torch.from_numpy(np.stack(resized[: index + 1]).transpose(0, 3, 1, 2).copy())
        (sample,) = segmentor.model.test_step({'inputs': [clip]})
        expected = torch.nn.functional.interpolate(
            sample.seg_logits.data.unsqueeze(0), (48, 96), mode='bilinear'
        ).argmax(1)[0]
        assert np.array_equal(labels, expected.numpy())
        assert segmentor.is_key_frame == (index % 3 == 0)
        assert labels.shape == (48, 96)
        assert labels.dtype == np.uint8


def test_reset_starts_over():
    segmentor = make(interval=10)
    stream = frames(3)
    first = [segmentor.step(frame) for frame in stream]
    segmentor.reset()
    assert all(np.array_equal(segmentor.step(frame), labels) for frame, labels in zip(stream, first, strict=True))


def test_it_keeps_nothing_but_the_key_frame():
    segmentor = make(interval=2)
    sizes = set()
    for frame in np.tile(frames(4), (5, 1, 1, 1)):
        segmentor.step(frame)
        tensors = [value for value in vars(segmentor).values() if isinstance(value, torch.Tensor)]
        sizes.add((len(tensors), segmentor._key_frame.maps[0].numel(), segmentor._key_frame.flow_frame.numel()))
    assert len(sizes) == 1


def test_the_adaptive_policy_sees_a_cut():
    options = {'model.flow_net': constant_flow()}
    segmentor = make(options=options, policy=AdaptiveInterval(0.3))
    still, cut = frames(2)
    keys = []
    for frame in (still, still, still, cut, cut):
        segmentor.step(frame)
        keys.append(segmentor.is_key_frame)
    assert keys == [True, False, False, True, False]


@pytest.mark.parametrize('suffix', ['.avi', '.mp4', '.webm'])
def test_segment_video(tmp_path, suffix):
    write_video(tmp_path / 'in.avi')
    seen = []
    report = make(interval=5).segment_video(
        tmp_path / 'in.avi', tmp_path / 'new' / f'out{suffix}', on_frame=lambda *args: seen.append(args)
    )
    assert report == (12, 3)
    assert seen == [(number, 12) for number in range(1, 13)]
    assert count_frames(tmp_path / 'new' / f'out{suffix}') == 12


def test_raw_outputs(tmp_path):
    """Masks hold the classes, the label video their colors; a folder takes pictures instead of a video."""
    write_video(tmp_path / 'in.avi', num=4)
    segmentor = make(interval=2)
    report = segmentor.segment_video(
        tmp_path / 'in.avi', tmp_path / 'out', masks=tmp_path / 'a' / 'masks', label_video=tmp_path / 'colors'
    )
    assert report == (4, 2)
    segmentor.reset()
    for number, frame in enumerate(open_source(tmp_path / 'in.avi').frames, start=1):
        labels = segmentor.step(frame)
        mask = cv2.imread(str(tmp_path / 'a' / 'masks' / f'{number:06d}.png'), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, labels)
        assert mask.dtype == np.uint8
        colors = cv2.imread(str(tmp_path / 'colors' / f'{number:06d}.png'))[..., ::-1]
        np.testing.assert_array_equal(colors, segmentor.palette[labels])
        overlay = cv2.imread(str(tmp_path / 'out' / f'{number:06d}.png'))[..., ::-1]
        np.testing.assert_array_equal(overlay, draw_overlay(frame, colors, marked=segmentor.is_key_frame))


def test_a_frame_of_another_size_is_fitted_into_the_video(tmp_path):
    for number, size in enumerate([(48, 96), (48, 96), (32, 32)]):
        cv2.imwrite(str(tmp_path / f'{number}.png'), frames(1, size)[0])
    report = make().segment_video(tmp_path, tmp_path / 'new' / 'out.mp4')
    assert report == (3, 2)
    assert count_frames(tmp_path / 'new' / 'out.mp4') == 3


def test_an_input_is_not_overwritten(tmp_path):
    video = tmp_path / 'in.avi'
    write_video(video, num=3)
    before = video.read_bytes()
    (tmp_path / 'link.avi').symlink_to(video)
    (tmp_path / 'hard.avi').hardlink_to(video)
    segmentor = make()
    for out in (video, tmp_path / 'link.avi', tmp_path / 'hard.avi'):
        with pytest.raises(ValueError, match=r'would overwrite .*in\.avi'):
            segmentor.segment_video(video, out)
        with pytest.raises(ValueError, match=r'would overwrite .*in\.avi'):
            segmentor.segment_video(video, tmp_path / 'out.avi', label_video=out)
    with pytest.raises(ValueError, match='named for two outputs'):
        segmentor.segment_video(video, tmp_path / 'out.avi', label_video=tmp_path / 'new' / '..' / 'out.avi')
    assert video.read_bytes() == before
    assert not (tmp_path / 'out.avi').exists()


def test_a_video_that_breaks_off(tmp_path):
    path = tmp_path / 'in.avi'
    write_video(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    readable = count_frames(path)
    assert 0 < readable < 11
    message = rf'in.avi is truncated or damaged: {readable} frames are left; what can be read, {readable} frames'
    with pytest.raises(ValueError, match=message):
        make().segment_video(path, tmp_path / 'out.avi')
    assert count_frames(tmp_path / 'out.avi') == readable


def test_a_frame_of_another_size_becomes_a_key_frame():
    segmentor, fresh = make(interval=10), make(interval=10)
    for frame in frames(2):
        segmentor.step(frame)
    other = frames(size=(32, 96))[0]
    assert np.array_equal(segmentor.step(other), fresh.step(other))
    assert segmentor.is_key_frame
    segmentor.step(other)
    assert not segmentor.is_key_frame


def test_a_bad_frame_leaves_the_stream_as_it_is():
    segmentor = make(interval=10, options={'test_dataloader': None})
    with pytest.raises(ValueError, match=r'frame must be an RGB uint8 array \(H, W, 3\), but got uint8 \(0, 0, 3\)'):
        segmentor.step(np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(ValueError, match=r'frame must be an RGB uint8 array \(H, W, 3\), but got None'):
        segmentor.step(None)
    assert segmentor.step(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1)
    stream = frames(3)
    segmentor.step(stream[0])
    with pytest.raises(ValueError, match='frame must be an RGB uint8 array'):
        segmentor.step(np.zeros((0, 96, 3), np.uint8))
    assert segmentor.step(stream[1]).shape == (48, 96)
    assert segmentor.distance == 1


def test_more_classes_than_a_byte_holds():
    segmentor = make(num_classes=400)
    head = segmentor.model.decode_head
    with torch.no_grad():
        head.conv_seg.weight.zero_()
        head.conv_seg.bias.copy_((torch.arange(400) == 300).float())
    labels = segmentor.step(frames(1)[0])
    assert labels.dtype == np.int32
    assert (labels == 300).all()


RESIZE = dict(type='Resize', scale=(64, 32), keep_ratio=True)
LOADING = [dict(type='mmvidext.LoadClip'), dict(type='mmvidext.LoadClipAnnotations')]
PACKING = [dict(type='mmvidext.PackClipInputs')]
IMAGE_PIPELINE = [dict(type='LoadImageFromFile'), RESIZE, dict(type='LoadAnnotations'), dict(type='PackSegInputs')]


def dataset(pipeline, kind='mmvidext.CityscapesVideoDataset'):
    return dict(type=kind, pipeline=pipeline)


def concatenation(*pipelines):
    return dict(type='ConcatDataset', datasets=[dataset(pipeline) for pipeline in pipelines])


def size_seen(options):
    segmentor = make(options=options)
    sizes = []
    segmentor.model.segmentor.backbone.register_forward_hook(lambda _, args, __: sizes.append(tuple(args[0].shape[2:])))
    assert segmentor.step(frames(1)[0]).shape == (48, 96)
    return sizes[0]


class TestPipelines:
    """Frames are 48 x 96; the pipelines resize them to 32 x 64."""

    @pytest.mark.parametrize(
        'options',
        [
            {'test_dataloader.dataset.pipeline': PIPELINE},
            {'test_dataloader.dataset.pipeline': [*LOADING, RESIZE, *PACKING]},
            {'test_dataloader.dataset.pipeline': IMAGE_PIPELINE},
            {'test_dataloader.dataset': dataset(PIPELINE, CityscapesVideoDataset)},
            {'test_dataloader.dataset': concatenation(PIPELINE, PIPELINE)},
            {'test_dataloader.dataset': dict(type='RepeatDataset', times=2, dataset=dataset(PIPELINE))},
            {'test_dataloader': None, 'test_pipeline': IMAGE_PIPELINE},
        ],
        ids=['clips', 'outside', 'images', 'class', 'concatenated', 'repeated', 'test_pipeline'],
    )
    def test_every_step_that_changes_the_frame_is_used(self, options):
        assert size_seen(options) == (32, 64)

    def test_no_test_data(self):
        assert size_seen({'test_dataloader': None}) == (48, 96)

    def test_data_sets_that_disagree(self):
        with pytest.raises(ValueError, match='the data sets of test_dataloader have different pipelines'):
            make(options={'test_dataloader.dataset': concatenation(PIPELINE, IMAGE_PIPELINE)})

    def test_test_time_augmentation(self):
        pipeline = [*LOADING, dict(type='TestTimeAug', transforms=[[RESIZE]]), *PACKING]
        with pytest.raises(ValueError, match='the test pipeline has TestTimeAug'):
            make(options={'test_dataloader.dataset.pipeline': pipeline})


class TestErrors:
    def test_no_video(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='there is no video'):
            make().segment_video(tmp_path / 'none.avi', tmp_path / 'out.avi')
        (tmp_path / 'text.avi').write_text('text')
        with pytest.raises(ValueError, match=r'text\.avi .* cannot be decoded'):
            make().segment_video(tmp_path / 'text.avi', tmp_path / 'out.avi')

    def test_suffix(self, tmp_path):
        write_video(tmp_path / 'in.avi', num=1)
        with pytest.raises(ValueError, match=r'out.gif must be a video \(\.mp4, .*\), or have no suffix'):
            make().segment_video(tmp_path / 'in.avi', tmp_path / 'out.gif')

    def test_no_frame(self):
        with pytest.raises(ValueError, match='frame must be an RGB uint8 array'):
            make().step(frames()[0].astype(float))

    def test_a_plain_segmentor(self):
        with pytest.raises(ValueError, match=r'must be a mmvidext.DeepFeatureFlow, but it is a EncoderDecoder'):
            make(options={'model': fcn()})


def test_overlay_marks_key_frames():
    frame, colors = np.zeros((20, 30, 3), np.uint8), np.full((20, 30, 3), 100, np.uint8)
    assert (draw_overlay(frame, colors) == 50).all()
    marked = draw_overlay(frame, colors, marked=True)
    assert marked[0, 0].tolist() == [255, 220, 0]
    assert (marked[2:-2, 2:-2] == 50).all()


def test_a_legend_names_the_classes_of_a_frame(tmp_path):
    """By the names of the data set, in their colors, over the left of the picture."""
    segmentor, video = make(), tmp_path / 'in.mp4'
    assert segmentor.classes[:2] == ['road', 'sidewalk']
    write_video(video, num=1, size=(240, 320))
    for name, legend in (('plain', False), ('named', True)):
        segmentor.segment_video(video, tmp_path / name, legend=legend)
    plain, named = (cv2.imread(str(tmp_path / name / '000001.png')).astype(int) for name in ('plain', 'named'))
    changed = np.abs(plain - named).sum(axis=2) > 0
    assert changed[:20, :20].any()
    assert not changed[:, 200:].any()
