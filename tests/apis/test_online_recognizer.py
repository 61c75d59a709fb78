import re

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.apis import OnlineRecognizer
from mmvidext.apis.recognizer_loading import build_recognizer, frame_transforms
from tests.apis.online_config import online_config


@pytest.fixture(scope='module')
def config():
    return online_config()


@pytest.fixture(scope='module')
def checkpoint(config, tmp_path_factory):
    torch.manual_seed(1)
    model = build_recognizer(config)
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    path = tmp_path_factory.mktemp('weights') / 'model.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return path


def frames(count, size=(48, 64)):
    return [np.random.default_rng(i).integers(0, 256, (*size, 3), dtype=np.uint8) for i in range(count)]


def test_after_a_clip_the_scores_are_those_of_the_clip(config, checkpoint):
    recognizer = OnlineRecognizer(config, checkpoint)
    clip = frames(3)
    for frame in clip:
        scores = recognizer.step(frame)
    # the same clip through mmaction2's own recognizer
    model = build_recognizer(config, checkpoint).eval()
    results = dict(imgs=clip, img_shape=(48, 64), original_shape=(48, 64), modality='RGB', num_clips=3, clip_len=1)
    for transform in frame_transforms(config):
        results = transform(results)
    with torch.no_grad():
        (sample,) = model.test_step(dict(inputs=[results['inputs']], data_samples=[results['data_samples']]))
    expected = sample.pred_score.flatten().softmax(0)
    assert scores.shape == (5,)
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected.numpy(), atol=1e-5)


def test_clips_of_several_classes(checkpoint):
    config = online_config()
    config.model.cls_head.update(loss_cls=dict(type='BCELossWithLogits'), multi_class=True)
    (frame,) = frames(1)
    softmax, sigmoid = OnlineRecognizer(online_config(), checkpoint), OnlineRecognizer(config, checkpoint)
    logits = torch.from_numpy(sigmoid.step(frame)).logit()
    assert np.allclose(logits.softmax(0), softmax.step(frame), atol=1e-4)
    assert not np.isclose(logits.sigmoid().sum(), 1, atol=1e-2)


@pytest.mark.parametrize('kind', ['RepeatDataset', 'ConcatDataset'])
def test_data_sets_inside_of_others(kind):
    config = online_config()
    inner = dict(config.val_dataloader.dataset, metainfo=dict(classes=[*'abcde']))
    wrapped = dict(dataset=inner, times=2) if kind == 'RepeatDataset' else dict(datasets=[inner, inner])
    config.val_dataloader = dict(dataset=dict(type=kind, **wrapped))
    assert OnlineRecognizer(config).classes == [*'abcde']
    assert len(frame_transforms(config)) == 4


def test_window_and_reset(config, checkpoint):
    clip = frames(4)
    latest = OnlineRecognizer(config, checkpoint, window=1)
    whole = OnlineRecognizer(config, checkpoint)
    first = whole.step(clip[0])
    assert np.allclose(first, latest.step(clip[0]))
    assert not np.allclose(whole.step(clip[1]), latest.step(clip[1]))
    whole.reset()
    assert np.allclose(whole.step(clip[0]), first)


def test_errors(config, checkpoint):
    with pytest.raises(ValueError, match=r'set causal=True in model\.backbone'):
        OnlineRecognizer(online_config(causal=False))
    with pytest.raises(ValueError, match='window must be at least 1 frame, not 0'):
        OnlineRecognizer(config, window=0)
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        OnlineRecognizer(config, 'absent.pth')
    path = checkpoint.parent / 'part.pth'
    torch.save({'cls_head.fc_cls.bias': torch.zeros(5)}, path)
    with pytest.raises(ValueError, match=r'does not fit the Recognizer2D: missing: backbone\.conv1\.conv\.weight'):
        OnlineRecognizer(config, path)
    for model in (None, dict(type='mmvidext.DeepFeatureFlow'), dict(type='EncoderDecoder', backbone=dict(depth=18))):
        with pytest.raises(ValueError, match=r'must be a recognizer .* but it is (missing|mmvidext\.Deep|Encoder)'):
            OnlineRecognizer(Config(dict(model=model)))
    with pytest.raises(ValueError, match='there is no device cuda:99: torch finds'):
        OnlineRecognizer(config, device='cuda:99')
    recognizer = OnlineRecognizer(config, checkpoint)
    with pytest.raises(TypeError, match='array of uint8, RGB, not float64'):
        recognizer.step(np.zeros((4, 4, 3)))
    for shape in ((4, 4), (0, 0, 3)):
        with pytest.raises(ValueError, match=re.escape(f'must be (H, W, 3), RGB, but its shape is {shape}')):
            recognizer.step(np.zeros(shape, np.uint8))


def test_weights_that_do_not_count_batches(config, checkpoint, tmp_path):
    weights = torch.load(checkpoint)['state_dict']
    old = {name: tensor for name, tensor in weights.items() if not name.endswith('num_batches_tracked')}
    torch.save(old, tmp_path / 'old.pth')
    assert len(old) < len(weights)
    loaded = build_recognizer(config, tmp_path / 'old.pth').state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in old.items())


def test_frames_of_another_size():
    recognizer = OnlineRecognizer(online_config())
    recognizer.step(frames(1)[0])
    for size in ((48, 48), (480, 640)):  # the crop makes them all equal
        with pytest.raises(ValueError, match=re.escape(f'one size: after (48, 64) came {size}')):
            recognizer.step(frames(1, size)[0])
    recognizer.reset()
    recognizer.step(frames(1, (48, 48))[0])


def test_a_frame_that_cannot_be_computed_leaves_the_stream_as_it_is(monkeypatch):
    """The first frame that can be decides the size."""
    recognizer, good = OnlineRecognizer(online_config()), frames(1)[0]
    with monkeypatch.context() as patch:
        patch.setattr(recognizer.model.backbone, 'step', lambda picture, state: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            recognizer.step(frames(1, (8, 8))[0])
    assert np.isfinite(recognizer.step(good)).all()


def test_scores_that_are_not_finite_are_an_error_and_leave_the_stream_as_it_is():
    recognizer, (first, second) = OnlineRecognizer(online_config()), frames(2)
    recognizer.step(first)
    weight = recognizer.model.backbone.conv1.conv.weight
    kept, weight.data = weight.data, torch.full_like(weight, float('nan'))
    with pytest.raises(ValueError, match='the scores of the model are not finite: check its weights'):
        recognizer.step(second)
    weight.data = kept
    scores = recognizer.step(second)
    recognizer.reset()
    np.testing.assert_array_equal(scores, [recognizer.step(frame) for frame in (first, second)][1])
