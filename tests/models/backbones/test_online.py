"""Causal TSM-ResNets, frame by frame."""

import pytest
import torch

from mmvidext.models.backbones import TSMResNet


@pytest.mark.parametrize(
    ('depth', 'options'),
    [(18, {}), (50, {}), (18, dict(shift_place='block')), (18, dict(shift_div=4)), (101, {})],
)
def test_frame_by_frame_equals_the_causal_clip_on_every_stage(depth, options):
    segments, streams = 4, 2
    model = TSMResNet(depth, segments, causal=True, out_indices=(0, 1, 2, 3), **options).double().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    clips = torch.randn(streams, segments, 3, 32, 32, dtype=torch.float64)
    state = model.initial_state(streams, 32, 32)
    with torch.no_grad():
        expected = [stage.unflatten(0, (streams, segments)) for stage in model(clips.flatten(0, 1))]
        for t in range(segments):
            before = [cache.clone() for cache in state]
            features, new_state = model.step(clips[:, t], state)
            assert all(torch.equal(*pair) for pair in zip(before, state, strict=True))  # the caller's state stays
            for ours, stage in zip(features, expected, strict=True):
                assert torch.allclose(ours, stage[:, t], rtol=0, atol=1e-12 * stage.abs().max().item())
            state = new_state


@pytest.mark.parametrize('options', [{}, dict(shift_place='block')])
def test_the_way_without_gradients_gives_the_same_and_leaves_the_frame_alone(options):
    model = TSMResNet(18, 2, causal=True, out_indices=(0, 1, 2, 3), **options).eval()
    frame = torch.randn(2, 3, 32, 32)
    before = frame.clone()
    state = tuple(torch.randn_like(cache) for cache in model.initial_state(2, 32, 32))
    expected, expected_state = model.step(frame, state)
    with torch.no_grad():
        features, new_state = model.step(frame, state)
    assert all(torch.equal(*pair) for pair in zip(features, expected, strict=True))
    assert all(torch.equal(*pair) for pair in zip(new_state, expected_state, strict=True))
    assert torch.equal(frame, before)


def test_the_past_matters_and_streams_do_not_mix():
    model = TSMResNet(18, 4, causal=True).eval()
    frame = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        first, state = model.step(frame, model.initial_state(2, 32, 32))
        second, _ = model.step(frame, state)
        assert not torch.allclose(first, second)
        one = tuple(cache[1:] for cache in state)
        alone, _ = model.step(frame[1:], one)
        assert torch.allclose(alone, second[1:], atol=1e-5)


def test_state_of_a_resnet50_is_an_eighth_of_every_first_convolutions_input():
    state = TSMResNet(50, causal=True).initial_state(1, 224, 224)
    assert len(state) == 16
    assert sum(cache.numel() for cache in state) == 702464
    assert len(TSMResNet(101, causal=True).initial_state(1, 32, 32)) == 18  # 2 + 2 + 12 + 2
    assert model_sizes(33, 47) == model_sizes(33, 47, streams=3)


def model_sizes(height, width, streams=1):
    return [tuple(cache.shape[1:]) for cache in TSMResNet(18, causal=True).initial_state(streams, height, width)]


def test_gradients_flow_through_the_state():
    model = TSMResNet(18, 2, causal=True).eval()
    state = model.initial_state(1, 32, 32)
    frame = torch.randn(1, 3, 32, 32, requires_grad=True)
    _, state = model.step(frame, state)
    features, _ = model.step(torch.randn(1, 3, 32, 32), state)
    features.sum().backward()
    assert frame.grad.abs().sum() > 0


def test_no_state_starts_anew():
    model, frame = TSMResNet(18, causal=True).eval(), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        features, state = model.step(frame, None)
        expected, expected_state = model.step(frame, model.initial_state(2, 32, 32))
    assert torch.equal(features, expected)
    assert all(torch.equal(*pair) for pair in zip(state, expected_state, strict=True))


def test_initial_state_leaves_the_backbone_as_it_is():
    model = TSMResNet(18, causal=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.initial_state(1, 32, 32)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_errors():
    model = TSMResNet(18, causal=True).eval()
    frame, state = torch.zeros(2, 3, 32, 32), model.initial_state(2, 32, 32)
    with pytest.raises(ValueError, match=r'the state has 7 tensors, but this backbone shifts in 8 layers'):
        model.step(frame, state[:-1])
    with pytest.raises(ValueError, match=r'each tensor of the state must be \(N, C, H, W\)'):
        model.step(frame, tuple(torch.zeros(()) for _ in state))
    with pytest.raises(ValueError, match=r'state is of 2 streams, but the frame of 1; .* initial_state\(1, 32, 32\)'):
        model.step(frame[:1], state)
    with pytest.raises(ValueError, match=r'but its shape is \(2, 8, 8, 8\)'):
        model.step(torch.zeros(2, 3, 64, 64), state)
    with pytest.raises(ValueError, match=r'TSMResNet looks one frame ahead: build it with causal=True'):
        TSMResNet(18).initial_state(1, 32, 32)
