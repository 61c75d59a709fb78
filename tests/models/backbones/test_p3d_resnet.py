import pytest
import torch
import torch.nn.functional as F

from mmvidext.layers.pseudo_3d_block import Pseudo3dBlock
from mmvidext.models.backbones import P3DResNet


def conv_bn_relu(x, layer):
    conv, bn = layer
    x = F.conv3d(x, conv.weight, stride=conv.stride, padding=conv.padding)
    return F.relu(F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=bn.eps))


@pytest.mark.parametrize('kind', ['A', 'B', 'C', None])
def test_block_is_the_formula_of_its_kind(kind):
    block = Pseudo3dBlock(16, 4, kind=kind, norm=torch.nn.BatchNorm3d).eval()
    for module in block.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    x = torch.randn(2, 16, 5, 6, 7)
    y = conv_bn_relu(x, block.reduce)
    assert block.spatial[0].kernel_size == (1, 3, 3)
    s = conv_bn_relu(y, block.spatial)
    if kind is not None:
        assert block.temporal[0].kernel_size == (3, 1, 1)
        t_of_y, t_of_s = conv_bn_relu(y, block.temporal), conv_bn_relu(s, block.temporal)
        s = {'A': t_of_s, 'B': s + t_of_y, 'C': s + t_of_s}[kind]
    expected = F.relu(block.expand(s) + x)
    assert torch.allclose(block(x), expected, atol=1e-6)


def test_blocks_take_turns_over_the_whole_network_and_the_last_stage_is_spatial():
    with torch.device('meta'):
        model = P3DResNet(50)
        single = P3DResNet(50, 'B')
    kinds = [[block.kind for block in model.get_submodule(f'layer{i}')] for i in range(1, 5)]
    assert [''.join(stage) for stage in kinds[:3]] == ['ABC', 'ABCA', 'BCABCA']
    assert kinds[3] == [None, None, None]
    assert {block.kind for block in single.layer3} == {'B'}


@pytest.mark.parametrize(('depth', 'layers'), [(50, 63), (101, 131), (152, 199)])
def test_sizes_and_the_name_of_the_depth(depth, layers):
    with torch.device('meta'):
        model = P3DResNet(depth, out_indices=(0, 1, 2, 3)).eval()
        outputs = model(torch.empty(2, 3, 16, 160, 160))
    sizes = [(2, 256 * 2**i, 8 // 2**i, 40 // 2**i, 40 // 2**i) for i in range(4)]
    assert [tuple(output.shape) for output in outputs] == sizes
    assert model.out_channels == (256, 512, 1024, 2048)
    # the authors count convolutions that are not shortcuts, and the classifier
    convolutions = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Conv3d) and 'downsample' not in n]
    assert len(convolutions) + 1 == layers


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(depth=18), r'P3DResNet: unknown depth 18; valid are 50, 101, 152'),
        (dict(depth=50, blocks='AB'), r"unknown blocks 'AB'; valid are 'A', 'B', 'C', 'ABC'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        P3DResNet(**kwargs)


def test_a_clip_too_short():
    with torch.device('meta'):
        model = P3DResNet(50)
        with pytest.raises(ValueError, match=r'a clip of 15 frames is too short .* at least 16'):
            model(torch.empty(1, 3, 15, 32, 32))
        P3DResNet(50, out_indices=(1,))(torch.empty(1, 3, 4, 32, 32))
