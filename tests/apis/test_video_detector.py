import json

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmengine.logging import MMLogger

from mmvidext.apis import VideoDetector
from mmvidext.apis.detections import Detections
from mmvidext.apis.frame_sources import open_source
from mmvidext.cli.detect import detect
from mmvidext.models.propagation import AdaptiveInterval
from tests.apis.test_video_segmentor import count_frames, frames, not_finite, write_video
from tests.cli.invoke import invoke
from tests.models.detectors.tiny import sample, video_config
from tests.models.segmentors.tiny import constant_flow

SIZE = (48, 72)  # the test pipeline enlarges it to 64 x 96


def make(interval=3, *, flow_net=None, **kwargs):
    MMLogger.get_current_instance().setLevel('ERROR')
    config = video_config(interval)
    if flow_net is not None:
        config.model.flow_net = flow_net
    torch.manual_seed(0)
    detector = VideoDetector(config, **kwargs)
    detector.model.init_weights()
    # scores about 0.5 that differ from place to place
    torch.nn.init.normal_(detector.model.detector.bbox_head.retina_cls.weight, std=0.3)
    torch.nn.init.zeros_(detector.model.detector.bbox_head.retina_cls.bias)
    return detector


def test_streaming_equals_the_clip():
    detector = make()
    stream = frames(6, SIZE)
    resized = [cv2.resize(frame[..., ::-1], (96, 64)) for frame in stream]
    for index, frame in enumerate(stream):
        found = detector.step(frame)
        clip = torch.from_numpy(np.stack(resized[: index + 1]).transpose(0, 3, 1, 2).copy())
        data = sample(size=(64, 96))
        data.set_metainfo(dict(ori_shape=SIZE, scale_factor=(4 / 3, 4 / 3)))
        with torch.no_grad():
            (expected,) = detector.model.test_step(dict(inputs=[clip], data_samples=[data]))
        order = expected.pred_instances.scores.argsort(descending=True, stable=True)
        expected = expected.pred_instances[order]
        assert len(found.boxes)
        np.testing.assert_array_equal(found.labels, expected.labels.numpy())
        np.testing.assert_allclose(found.scores, expected.scores.numpy(), rtol=1e-5)
        np.testing.assert_allclose(found.boxes, expected.bboxes.numpy(), rtol=1e-4, atol=1e-3)
        assert detector.is_key_frame == (index % 3 == 0)
        assert (found.boxes[:, 2] <= SIZE[1]).all()


def test_reset_starts_over():
    detector = make(interval=10)
    stream = frames(2, SIZE)
    first = [detector.step(frame) for frame in stream]
    detector.reset()
    for frame, before in zip(stream, first, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(detector.step(frame), before, strict=True))


def test_a_nan_that_a_threshold_would_drop_is_an_error():
    """mmdet keeps the scores above a threshold: NaN is none of them, so that a frame seems to be empty."""
    detector = make(interval=10)
    stream = frames(2, SIZE)
    expected = make().step(stream[1])
    hook = detector.model.detector.bbox_head.retina_cls.register_forward_pre_hook(not_finite)
    with pytest.raises(ValueError, match='what RetinaHead of the model gives is not finite: check its weights'):
        detector.step(stream[0])
    hook.remove()
    found = detector.step(stream[1])
    assert detector.is_key_frame
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    assert not detector.model.detector.bbox_head._forward_hooks


@pytest.mark.parametrize('part', ['boxes', 'scores'])
def test_detections_that_are_not_finite_are_an_error(part, monkeypatch):
    detector = make()
    decode = detector.model.decode

    def spoil(maps, samples):
        (result,) = decode(maps, samples)
        values = result.pred_instances.bboxes if part == 'boxes' else result.pred_instances.scores
        values[-1] = float('inf')
        return [result]

    monkeypatch.setattr(detector.model, 'decode', spoil)
    with pytest.raises(ValueError, match='the boxes or their scores of the model are not finite'):
        detector.step(frames(1, SIZE)[0])


def test_the_heads_of_every_kind_of_detector_are_looked_at():
    from types import SimpleNamespace

    from torch import nn

    def heads(**parts):
        return VideoDetector._heads.func(SimpleNamespace(model=SimpleNamespace(detector=nn.ModuleDict(parts))))

    box, first, second, proposals = (nn.Conv2d(1, 1, 1) for _ in range(4))
    roi = nn.ModuleDict(dict(bbox_head=nn.ModuleList([first, second]), mask_head=nn.Conv2d(1, 1, 1)))
    assert heads(backbone=nn.Conv2d(1, 1, 1), bbox_head=box) == [box]
    found = heads(rpn_head=proposals, roi_head=roi)
    assert {id(one) for one in found} >= {id(proposals), id(first), id(second)}
    assert id(roi['mask_head']) not in {id(one) for one in found}


def test_the_adaptive_policy_sees_a_cut():
    detector = make(flow_net=constant_flow(), policy=AdaptiveInterval(0.3))
    still, cut = frames(2, SIZE)
    keys = []
    for frame in (still, still, cut, cut):
        detector.step(frame)
        keys.append(detector.is_key_frame)
    assert keys == [True, False, True, False]


def test_a_frame_of_another_size_becomes_a_key_frame():
    detector = make(interval=10)
    detector.step(frames(1, SIZE)[0])
    detector.step(frames(1, (72, 72))[0])
    assert detector.is_key_frame


def test_detections_above_a_score():
    found = Detections(np.arange(12.0).reshape(3, 4), np.array([2, 0, 1]), np.array([0.9, 0.5, 0.1]))
    kept = found.above(0.5)
    assert kept.labels.tolist() == [2, 0]
    assert kept.boxes.tolist() == found.boxes[:2].tolist()


def test_detect_video(tmp_path):
    write_video(tmp_path / 'in.avi', num=4, size=SIZE)
    detector = make(interval=2)
    seen = []
    report = detector.detect_video(
        tmp_path / 'in.avi',
        tmp_path / 'out',
        box_file=tmp_path / 'new' / 'boxes.jsonl',
        score=0.2,
        on_frame=lambda *args: seen.append(args),
    )
    assert report == (4, 2)
    assert seen == [(number, 4) for number in range(1, 5)]
    lines = [json.loads(line) for line in (tmp_path / 'new' / 'boxes.jsonl').read_text().splitlines()]
    detector.reset()
    for number, (line, frame) in enumerate(zip(lines, open_source(tmp_path / 'in.avi').frames, strict=True), start=1):
        found = detector.step(frame).above(0.2)
        assert len(found.scores)
        assert (line['frame'], line['is_key_frame']) == (number, detector.is_key_frame)
        assert [one['class'] for one in line['objects']] == [f'class {label}' for label in found.labels]
        np.testing.assert_allclose([one['box'] for one in line['objects']], found.boxes, atol=0.006)
        np.testing.assert_allclose([one['score'] for one in line['objects']], found.scores, rtol=1e-5)
        picture = cv2.imread(str(tmp_path / 'out' / f'{number:06d}.png'))[..., ::-1]
        assert picture.shape == frame.shape
        assert (picture[0, 0].tolist() == [255, 220, 0]) == detector.is_key_frame
        assert (picture != frame).any()


def test_errors(tmp_path):
    detector = make()
    with pytest.raises(ValueError, match=r'frame must be an RGB uint8 array \(H, W, 3\), but got float64'):
        detector.step(frames(1, SIZE)[0].astype(float))
    with pytest.raises(ValueError, match='writes nothing: give out_path or box_file'):
        detector.detect_video(tmp_path / 'in.avi')
    with pytest.raises(ValueError, match=r'box_file must be a file with a suffix, such as boxes\.jsonl, but is .*/out'):
        detector.detect_video(tmp_path / 'in.avi', box_file=tmp_path / 'out')
    config = video_config()
    config.model = config.model.detector
    with pytest.raises(ValueError, match=r'must be a mmvidext\.DeepFeatureFlowDetector, but it is a RetinaNet'):
        VideoDetector(config)


def test_a_checkpoint_brings_weights_names_and_colors(tmp_path):
    state = make().model.state_dict()
    classes, palette = [f'kind {number}' for number in range(80)], [[number, 0, 0] for number in range(80)]
    meta = dict(dataset_meta=dict(classes=classes, palette=palette))
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'a.pth')
    detector = VideoDetector(video_config(), tmp_path / 'a.pth')
    assert all(torch.equal(value, state[name]) for name, value in detector.model.state_dict().items())
    assert detector.classes == classes
    assert detector.palette.tolist() == palette
    plain = {name.removeprefix('detector.'): value for name, value in state.items() if name.startswith('detector.')}
    torch.save(dict(state_dict=plain), tmp_path / 'plain.pth')
    with pytest.raises(ValueError, match=r'plain\.pth does not fit the DeepFeatureFlowDetector.*give the flow network'):
        VideoDetector(video_config(), tmp_path / 'plain.pth')
    with pytest.raises(FileNotFoundError, match=r'b\.pth'):
        VideoDetector(video_config(), tmp_path / 'b.pth')


def test_the_command(tmp_path):
    video_config().dump(tmp_path / 'config.py')
    write_video(tmp_path / 'in.avi', num=3, size=SIZE)
    out, boxes = tmp_path / 'new' / 'out.mp4', tmp_path / 'new' / 'boxes.jsonl'
    printed = invoke(
        detect, tmp_path / 'config.py', 'none', tmp_path / 'in.avi', out, '--boxes', boxes, '--key-frame-interval', 2
    )
    assert '3 frames, 2 of them key frames, in ' in printed
    assert count_frames(out) == 3
    assert [json.loads(line)['is_key_frame'] for line in boxes.read_text().splitlines()] == [True, False, True]
    text = invoke(
        detect,
        tmp_path / 'config.py',
        'none',
        tmp_path / 'in.avi',
        tmp_path / 'b.mp4',
        '--key-frame-interval',
        2,
        '--adaptive',
        1,
        status=2,
    )
    assert 'give either --key-frame-interval or --adaptive, not both' in text
