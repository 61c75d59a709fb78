import pytest
import torch

pytest.importorskip('mmaction')

from mmvidext.apis.frame_sources import open_source
from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.apis.seen_motion import see_motion, sees_motion
from mmvidext.apis.video_recognizer import VideoRecognizer
from tests.apis.online_config import online_config
from tests.datasets.videos import write_video


def test_the_motion_of_the_frames_that_the_model_looks_at(tmp_path):
    config = online_config(causal=False)
    config.model.backbone.type = 'mmvidext.MSResNet'
    recognizer = VideoRecognizer(config)
    write_video(tmp_path / 'a.webm', num_frames=6, size=(64, 48))
    run = recognizer.run(open_source(tmp_path / 'a.webm'))
    for _ in run:
        pass
    frames, motion = see_motion(recognizer.model, run.clip())
    assert frames.shape[0] == 3
    assert motion.shape[:2] == (2, 3)
    assert motion.shape[2:] == (frames.shape[2] // 8, frames.shape[3] // 8)
    assert (motion[:, :2].abs() <= 1).all()
    assert torch.equal(see_motion(recognizer.model, run.clip()).motion, motion)  # the hook is gone
    assert not recognizer.model.backbone.motion_squeeze._forward_pre_hooks


def test_a_model_without_the_layer():
    model = build_recognizer(online_config())
    assert not sees_motion(model)
    with pytest.raises(ValueError, match='has no MotionSqueeze layer'):
        see_motion(model, {})
