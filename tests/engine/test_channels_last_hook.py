"""Weights and inputs come in channels_last, and the model's numbers stay."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvidext.engine import ChannelsLastHook
from mmvidext.engine.channels_last_hook import to_channels_last
from mmvidext.registry import MODELS

PREPROCESSOR = dict(type='mmvidext.ActionDataPreprocessor', mean=[100.0] * 3, std=[50.0] * 3)
RECOGNIZERS = {
    '2D': (
        dict(
            type='Recognizer2D',
            backbone=dict(type='mmvidext.TSMResNet', depth=18, num_segments=2),
            data_preprocessor=dict(PREPROCESSOR, format_shape='NCHW'),
        ),
        (2, 3, 32, 32),
        torch.channels_last,
    ),
    '3D': (
        dict(
            type='Recognizer3D',
            backbone=dict(type='mmvidext.VideoResNet', arch='r3d', depth=18, base_channels=8),
            data_preprocessor=dict(PREPROCESSOR, format_shape='NCTHW'),
        ),
        (1, 3, 8, 32, 32),
        torch.channels_last_3d,
    ),
}


@pytest.mark.parametrize('name', RECOGNIZERS)
def test_model_and_inputs_change_their_layout_and_not_the_numbers(name):
    init_default_scope('mmaction')
    cfg, shape, layout = RECOGNIZERS[name]
    model = MODELS.build(cfg).eval()
    data = dict(inputs=[torch.randint(256, shape, dtype=torch.uint8)] * 2, data_samples=[None, None])
    expected = model(model.data_preprocessor(dict(data))['inputs'], mode='tensor')
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    inputs, seen = model.data_preprocessor(dict(data))['inputs'], []
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.modules.conv._ConvNd)]
    for module in convolutions:
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0].is_contiguous(memory_format=layout)))
    actual = model(inputs, mode='tensor')
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
    assert seen
    assert all(seen)
    assert all(module.weight.is_contiguous(memory_format=layout) for module in convolutions)


def test_leading_dimensions_stay():
    x = torch.randn(2, 4, 3, 5, 6)
    y = to_channels_last(x, 3)
    assert torch.equal(x, y)
    assert y.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    assert y.flatten(0, 1).data_ptr() == y.data_ptr()
