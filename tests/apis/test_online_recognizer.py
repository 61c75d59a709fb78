import numpy as np
import pytest
import torch

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
    # the same clip through mmaction2's own recogniser
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
    with pytest.raises(ValueError, match=r'does not fit the model .*backbone\.conv1\.conv\.weight is missing'):
        OnlineRecognizer(config, path)
    recognizer = OnlineRecognizer(config, checkpoint)
    with pytest.raises(TypeError, match='array of uint8, RGB, not float64'):
        recognizer.step(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r'must be \(H, W, 3\), RGB, but its shape is \(4, 4\)'):
        recognizer.step(np.zeros((4, 4), np.uint8))


def test_frames_of_another_size():
    config = online_config()
    del config.val_dataloader.dataset.pipeline[4]  # the crop
    recognizer = OnlineRecognizer(config)
    recognizer.step(frames(1)[0])
    with pytest.raises(ValueError, match=r'one size: after \(40, 53\) came \(40, 40\)'):
        recognizer.step(frames(1, (48, 48))[0])
    recognizer.reset()
    recognizer.step(frames(1, (48, 48))[0])
