import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.models.heads import DeepLabV2Head


@pytest.fixture(autouse=True)
def mmseg_scope():
    """Mmseg looks up its losses in the default scope, which an earlier test may have left elsewhere."""
    init_default_scope('mmseg')


def test_sums_its_atrous_branches():
    head = DeepLabV2Head(4, 3, dilations=(1, 2, 6))
    features = torch.randn(2, 8, 9, 9), torch.randn(2, 4, 9, 11)
    scores = head(features)
    assert scores.shape == (2, 3, 9, 11)
    branches = [
        torch.nn.functional.conv2d(features[1], branch.weight, branch.bias, padding=dilation, dilation=dilation)
        for branch, dilation in zip(head.branches, (1, 2, 6), strict=True)
    ]
    torch.testing.assert_close(scores, torch.stack(branches).sum(0))


def test_has_no_layer_that_it_does_not_use():
    head = DeepLabV2Head(4, 3)
    head.init_weights()
    head((torch.randn(1, 4, 50, 50),)).sum().backward()
    gradients = [parameter.grad for parameter in head.parameters()]
    assert len(gradients) == 8
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
    assert {parameter.std().item() < 0.02 for parameter in head.parameters() if parameter.ndim == 4} == {True}


def test_bad_settings():
    with pytest.raises(ValueError, match='dilations must be one for each branch'):
        DeepLabV2Head(4, 3, dilations=())
    with pytest.raises(ValueError, match=r'channels must be the number of outputs, 3, .* but it is 16'):
        DeepLabV2Head(4, 3, channels=16)
