import pytest
import torch

from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.models.backbones import MobileNetV2TSM

SHIFTED = [2, 4, 5, 7, 8, 9, 11, 12, 14, 15]  # blocks with a shift in the official online demonstration, from 0
SIZES = [(3, 56, 56), *[(4, 28, 28)] * 2, *[(8, 14, 14)] * 3, *[(12, 14, 14)] * 2, *[(20, 7, 7)] * 2]


def test_shift_stands_where_the_official_code_has_it():
    model = MobileNetV2TSM()
    blocks = [block for i in range(1, 8) for block in getattr(model, f'layer{i}')]
    assert [i for i, block in enumerate(blocks) if isinstance(block.conv[0], TemporalShift)] == SHIFTED


def test_state_is_that_of_the_official_demonstration():
    state = MobileNetV2TSM(causal=True).initial_state(2, 224, 224)
    assert [tuple(cache.shape[1:]) for cache in state] == SIZES
    assert sum(cache.numel() for cache in state) == 2 * 27048
    assert not any(cache.any() for cache in state)


def test_same_keys_as_mmaction():
    from mmaction.models.backbones.mobilenet_v2_tsm import MobileNetV2TSM as Theirs

    theirs = Theirs(pretrained2d=False).state_dict()
    ours = MobileNetV2TSM(causal=True).state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {n: t.shape for n, t in theirs.items()}


def test_clip_equals_mmaction():
    from mmaction.models.backbones.mobilenet_v2_tsm import MobileNetV2TSM as Theirs

    theirs, ours = Theirs(pretrained2d=False, num_segments=4), MobileNetV2TSM(num_segments=4).eval()
    theirs.eval()  # returns None
    ours.load_state_dict(theirs.state_dict())
    clips = torch.randn(8, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(ours(clips), theirs(clips), atol=1e-5)


def test_frame_by_frame_equals_the_causal_clip():
    model = MobileNetV2TSM(num_segments=5, causal=True, out_indices=tuple(range(8))).double().eval()
    clips = torch.randn(3, 5, 3, 32, 32, dtype=torch.float64)
    state = model.initial_state(3, 32, 32)
    with torch.no_grad():
        expected = model(clips.flatten(0, 1))
        for t in range(5):
            features, state = model.step(clips[:, t], state)
            for stage, feature in zip(expected, features, strict=True):
                assert torch.allclose(feature, stage.unflatten(0, (3, 5))[:, t], rtol=0, atol=1e-12)


def test_pretrained_reads_a_recognizer(tmp_path):
    source = MobileNetV2TSM()
    torch.save({f'backbone.{name}': tensor for name, tensor in source.state_dict().items()}, tmp_path / 'a.pth')
    model = MobileNetV2TSM(causal=True, pretrained=str(tmp_path / 'a.pth'))
    model.init_weights()
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in source.state_dict().items())


def test_errors():
    model = MobileNetV2TSM(causal=True).eval()
    frame, state = torch.zeros(2, 3, 32, 32), model.initial_state(2, 32, 32)
    with pytest.raises(ValueError, match=r'the state has 9 tensors, but this backbone shifts in 10 layers'):
        model.step(frame, state[1:])
    with pytest.raises(ValueError, match=r'state is of 2 streams, but the frame of 3; .* initial_state\(3, 32, 32\)'):
        model.step(torch.zeros(3, 3, 32, 32), state)
    with pytest.raises(ValueError, match=r'the cache must be .* but its shape is \(2, 3, 8, 8\)'):
        model.step(torch.zeros(2, 3, 64, 64), state)
    with pytest.raises(ValueError, match=r'frame must be \(N, 3, H, W\), 4 dimensions'):
        model.step(frame[0], state)
    with pytest.raises(ValueError, match=r'at least 1, not \(0, 32, 32\)'):
        model.initial_state(0, 32, 32)
    with pytest.raises(ValueError, match=r'looks one frame ahead: build it with causal=True'):
        MobileNetV2TSM().step(frame, state)
