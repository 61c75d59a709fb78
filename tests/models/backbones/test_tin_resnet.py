import pytest
import torch

from mmvidext.models.backbones import TINResNet


def tin_shift(x, shift):
    """mmcv's CUDA kernel, as its definition: output frame ``t + s`` is input frame ``t``; x is (N, T, C, HW)."""
    out, groups = torch.zeros_like(x), shift.shape[1]
    size = x.shape[2] // groups
    for n in range(x.shape[0]):
        for g in range(groups):
            for t in range(x.shape[1]):
                target = t + int(shift[n, g])
                if 0 <= target < x.shape[1]:
                    out[n, target, g * size : (g + 1) * size] = x[n, t, g * size : (g + 1) * size]
    return out


@pytest.mark.parametrize('depth', [18, 50])
def test_equals_mmaction_with_its_kernel_replaced(depth, monkeypatch):
    import mmcv.ops
    from mmaction.models.backbones.resnet_tin import ResNetTIN

    monkeypatch.setattr(mmcv.ops, 'tin_shift', tin_shift)
    theirs = ResNetTIN(depth, num_segments=4, shift_div=4, pretrained2d=False)
    theirs.eval()  # returns None
    ours = TINResNet(depth, num_segments=4)
    ours.eval()
    ours.load_state_dict(theirs.state_dict())
    clips = torch.randn(8, 3, 32, 32)
    with torch.no_grad():
        expected = theirs(clips)
        assert torch.allclose(ours(clips), expected, atol=1e-4 * expected.abs().max().item())


def test_switching_the_mode_returns_the_backbone():
    backbone = TINResNet(18)
    assert backbone.eval() is backbone
    assert not backbone.layer1[0].training
    assert backbone.train().layer1[0].training


def test_errors():
    with pytest.raises(ValueError, match=r'TINResNet: unknown depth 20; valid are 18, 34, 50, 101, 152'):
        TINResNet(20)
    with pytest.raises(ValueError, match=r'TINResNet: unknown frozen_stages 5; valid are -1, 0, 1, 2, 3, 4'):
        TINResNet(18, frozen_stages=5)
    with pytest.raises(ValueError, match=r'shift_div must be a whole number, at least 1, but is 0'):
        TINResNet(18, shift_div=0)
    with pytest.raises(ValueError, match=r'6 frames, which is not a multiple of num_segments=8'):
        TINResNet(18)(torch.zeros(6, 3, 32, 32))
