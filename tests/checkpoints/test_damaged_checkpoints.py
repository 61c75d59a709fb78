"""An official checkpoint with one tensor missing, misshapen or too much: the error names it, whatever the tensor is."""

import functools
import math
import random
import re
from pathlib import Path

import pytest
import torch
from mmaction.models.backbones.resnet import ResNet

from mmvidext.checkpoints import convert_checkpoint, find_source
from mmvidext.checkpoints.sources import SOURCES
from mmvidext.models.backbones import MobileNetV2TSM, MSResNet, TINResNet, TSMResNet, VideoResNet
from tests.checkpoints.test_flownet_sources import (
    CLEMENT_PINARD,
    DECODER,
    MMFLOW_C,
    MMFLOW_S,
    MMTRACKING,
    NO_BIASES,
    estimator,
)
from tests.checkpoints.test_flownet_sources import official as flownet
from tests.checkpoints.test_flownet_sources import random_weights as flownet_weights
from tests.checkpoints.test_image_sources import NON_LOCAL as NON_LOCAL_ARGUMENTS
from tests.checkpoints.test_image_sources import recognizer
from tests.oracles.official_weights import (
    caffe2_video_resnet,
    mobilenet_v2,
    motion_squeeze,
    non_local,
    random_values,
    resnet2d,
    tin,
    video_resnet,
    wrapped,
)

NON_LOCAL = {(2, 0), (2, 2), (3, 0), (3, 2), (3, 4)}


def shifted(stage, block):
    return 'conv1.net'


def non_local_resnet():
    shapes = resnet2d(50, shifted, lambda s, b: f'layer{s}.{b}' + ('.block' if (s, b) in NON_LOCAL else ''))
    for stage, block in NON_LOCAL:
        shapes |= non_local(f'layer{stage}.{block}', 128 * 2**stage)
    return wrapped(shapes, 7, 2048)


def tin_resnet():
    shapes = resnet2d(18, lambda stage, block: 'conv1.net2')
    for name, shape in list(shapes.items()):
        if name.endswith('.conv1.net2.weight'):
            shapes |= tin(name.removesuffix('.conv1.net2.weight'), shape[1], 8)
    return wrapped(shapes, 7, 512)


def flownet_shapes(names, without_bias, correlated=False):
    tensors = flownet(flownet_weights(without_bias, correlated=correlated), names)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def online_mobilenet():
    return mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}


NETWORKS = {
    'tsm': ('tsm', lambda: wrapped(resnet2d(18, shifted), 7, 512)),
    'tsm without dropout': ('tsm', lambda: wrapped(resnet2d(18, shifted), 7, 512, fc='module.base_model.fc')),
    'tsm around blocks': ('tsm', lambda: wrapped(resnet2d(18, block_name=lambda s, b: f'layer{s}.{b}.net'), 7, 512)),
    'tsm pooled': (
        'tsm',
        lambda: wrapped(resnet2d(18, shifted, lambda s, b: f'layer2.net.{b}' if s == 2 else f'layer{s}.{b}'), 7, 512),
    ),
    'tsm non-local': ('tsm', non_local_resnet),
    'tsn': ('tsm', lambda: wrapped(resnet2d(50), 7, 2048)),
    'tsm mobilenet': ('tsm', lambda: wrapped(mobilenet_v2('.net'), 7, 1280)),
    'tsm online': ('tsm', online_mobilenet),
    'motionsqueeze': (
        'motionsqueeze',
        lambda: wrapped(resnet2d(18) | motion_squeeze(1), 7, 512, fc='module.base_model.fc1', conv1d=True),
    ),
    'tin': ('tin', tin_resnet),
    'r3d': ('torchvision_video', lambda: video_resnet('r3d', 18, per_block=True)),
    'mc3': ('torchvision_video', lambda: video_resnet('mc3', 18, per_block=True)),
    'r2plus1d': ('torchvision_video', lambda: video_resnet('r2plus1d', 18, per_block=True)),
    'vmz hub': ('vmz', lambda: video_resnet('r2plus1d', 18, per_block=False)),
    'vmz r2plus1d': ('vmz', lambda: caffe2_video_resnet('r2plus1d', 18, classes=487)),
    'vmz rmc3': ('vmz', lambda: caffe2_video_resnet('rmc3', 18)),
    'vmz r3d': ('vmz', lambda: caffe2_video_resnet('r3d', 50)),
    'mmflow s': ('mmflow', lambda: flownet_shapes(MMFLOW_S, ('upflow',))),
    'mmflow c': ('mmflow', lambda: flownet_shapes(MMFLOW_C, (), correlated=True)),
    'mmtracking': ('mmtracking_flownet', lambda: flownet_shapes(MMTRACKING, DECODER)),
    'flownet_pytorch s': ('flownet_pytorch', lambda: flownet_shapes(CLEMENT_PINARD, DECODER)),
    'flownet_pytorch c': ('flownet_pytorch', lambda: flownet_shapes(CLEMENT_PINARD, DECODER, correlated=True)),
}
TV_NORM = dict(type='BN3d', eps=1e-5)
# the model that each network is converted for: a backbone with its features and classes, or a flow estimator
MODELS = {
    'tsm': lambda: recognizer(TSMResNet(18), 512),
    'tsm without dropout': lambda: recognizer(TSMResNet(18), 512),
    'tsm around blocks': lambda: recognizer(TSMResNet(18, shift_place='block'), 512),
    'tsm pooled': lambda: recognizer(TSMResNet(18, temporal_pool=True), 512),
    'tsm non-local': lambda: recognizer(TSMResNet(50, **NON_LOCAL_ARGUMENTS), 2048),
    'tsn': lambda: recognizer(ResNet(50), 2048),
    'tsm mobilenet': lambda: recognizer(MobileNetV2TSM(), 1280),
    'tsm online': lambda: recognizer(MobileNetV2TSM(causal=True), 1280, 27),
    'motionsqueeze': lambda: recognizer(MSResNet(18), 512),
    'tin': lambda: recognizer(TINResNet(18), 512),
    'r3d': lambda: recognizer(VideoResNet('r3d', 18, norm_cfg=TV_NORM), 512, 400),
    'mc3': lambda: recognizer(VideoResNet('mc3', 18, norm_cfg=TV_NORM), 512, 400),
    'r2plus1d': lambda: recognizer(VideoResNet('r2plus1d', 18, midplanes='per_block', norm_cfg=TV_NORM), 512, 400),
    'vmz hub': lambda: recognizer(VideoResNet('r2plus1d', 18), 512, 400),
    'vmz r2plus1d': lambda: recognizer(VideoResNet('r2plus1d', 18), 512, 487),
    'vmz rmc3': lambda: recognizer(VideoResNet('rmc3', 18), 512, 400),
    'vmz r3d': lambda: recognizer(VideoResNet('r3d', 50), 2048, 400),
    'mmflow s': lambda: estimator(upflow_bias=False),
    'mmflow c': lambda: estimator('FlowNetC', normalize=False),
    'mmtracking': lambda: estimator(**NO_BIASES),
    'flownet_pytorch s': lambda: estimator(**NO_BIASES),
    'flownet_pytorch c': lambda: estimator('FlowNetC', **NO_BIASES),
}
# what decides which network it is; drawing names would often miss these
TELLING = re.compile(
    r'(base_model\.)?(conv1(_middle)?[._]\w+|conv1\.0.*|features\.0\.0.*|stem\.[03].*|layer1\.0\.conv[12]\..*weight'
    r'|layer2\.0\.conv2\.0\..*|comp_[02]_conv_.*|(new_|base_model\.)?fc1?\..*|classifier.*|last_out.*'
    r'|.*conv_redir.*|encoder\.layers\.[02]\.layers\.0.*|.*level6.*|predict_flow6.*|flow_refinement.conv1\..*)'
)
SAMPLED = 8


@functools.cache
def whole(network):
    return random_values(NETWORKS[network][1](), device='meta')


def plain_name(name):
    return name.removeprefix('module.')


def some_names(network):
    """All names that decide something, and a few others, the same ones in every run."""
    names = list(whole(network))
    telling = [name for name in names if TELLING.fullmatch(plain_name(name))]
    others = [name for name in names if name not in telling]
    return telling + random.Random(network).sample(others, min(SAMPLED, len(others)))


@functools.cache
def model(network):
    with torch.device('meta'):
        return MODELS[network]()


def our_name(network, name):
    """The name that a tensor has here; None for one that the official network never uses."""
    if name.endswith('nl.W.0.bias'):
        name = name.replace('W.0.bias', 'W.1.running_mean')  # into which it is folded
    name, own = plain_name(name), model(network).state_dict()
    sources = [source for source in SOURCES if source.name == NETWORKS[network][0]]
    names = [source.rename([name], own, is_part=False)[name] for source in sources]
    return next((ours for ours in names if ours in own), names[0])


def check_that_it_is_named(network, damaged, name):
    named = re.compile(rf'(?<![\w.]){re.escape(plain_name(name))}(?![\w.])')
    official, plain = NETWORKS[network][0], {plain_name(key): tensor for key, tensor in damaged.items()}
    recognized = {source.name for source in SOURCES if source.recognize(plain)}
    for source in [None] if recognized == {official} else [None, official]:  # then to name it changes nothing
        with pytest.raises(ValueError, match='does not fit the') as error:
            convert_checkpoint(damaged, model(network), source)
        assert named.search(str(error.value)), (name, source, str(error.value))


def test_every_source_is_covered():
    elsewhere = {  # the file with its damaged tensors
        'resnet': 'test_load_backbone.py',
        'mmseg': '../apis/test_weights.py',
        'mmdet': 'test_detection_sources.py',
        'mmtracking_dff': 'test_detection_sources.py',
    }
    assert {source.name for source in SOURCES} == {source for source, _ in NETWORKS.values()} | elsewhere.keys()
    assert all((Path(__file__).parent / file).is_file() for file in elsewhere.values())


@pytest.mark.parametrize('network', NETWORKS)
def test_whole_networks_are_recognized(network):
    source, _ = NETWORKS[network]
    assert find_source(whole(network)) == source
    converted = convert_checkpoint(whole(network), model(network))
    assert converted.keys() == convert_checkpoint(whole(network), model(network), source).keys()
    counters = {name for name in model(network).state_dict() if name.endswith('num_batches_tracked')}
    assert converted.keys() | counters == model(network).state_dict().keys()


@pytest.mark.parametrize('network', [network for network in NETWORKS if network != 'tsn'])
def test_converted_networks_are_those_of_no_source(network):
    assert find_source(convert_checkpoint(whole(network), model(network))) is None


def imagenet_mobilenet():
    """The names of torchvision's MobileNetV2, which has a level more than the one of the TSM repository."""
    shapes = {}
    for name, shape in mobilenet_v2().items():
        # in the first block the depthwise layer stands where the expanding one does in the others
        places = {'0': '0.0', '1': '0.1', '3': '1', '4': '2'}
        if not name.startswith('features.1.'):
            places |= {'3': '1.0', '4': '1.1', '6': '2', '7': '3'}
        shapes[re.sub(r'conv\.(\d)', lambda found, places=places: f'conv.{places[found[1]]}', name)] = shape
    return shapes | {'classifier.1.weight': (1000, 1280), 'classifier.1.bias': (1000,)}


@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize(
    ('build', 'source'),
    [(lambda: resnet2d(18), 'resnet'), (lambda: resnet2d(50), 'resnet'), (imagenet_mobilenet, None)],
)
def test_imagenet_networks_of_torchvision_are_not_those_of_tsm(build, source, prefix):
    shapes = {f'{prefix}{name}': shape for name, shape in build().items()}
    assert find_source(random_values(shapes, device='meta')) == source


@pytest.mark.parametrize('network', NETWORKS)
def test_a_missing_tensor_is_named(network):
    for name in some_names(network):
        ours = our_name(network, name)
        if ours is not None and not name.endswith('num_batches_tracked'):
            check_that_it_is_named(network, {key: value for key, value in whole(network).items() if key != name}, ours)


@pytest.mark.parametrize('network', NETWORKS)
def test_a_misshapen_tensor_is_named(network):
    for name in some_names(network):
        if our_name(network, name) is None:
            continue
        shape = tuple(whole(network)[name].shape)
        for wrong in {(), (9,), (9, 9), (*shape, 1), (*shape[:-1], shape[-1] + 1 if shape else 1)} - {shape}:
            check_that_it_is_named(network, {**whole(network), name: torch.empty(wrong, device='meta')}, name)


@pytest.mark.parametrize('network', NETWORKS)
def test_a_tensor_that_is_too_much_is_named(network):
    state_dict, value = whole(network), torch.empty(3, device='meta')
    extras = {f'{name}{end}' for name in some_names(network) for end in ('_extra', '.extra')}
    for name in some_names(network):  # another block or layer
        extras |= {f'{name[: found.start()]}9{name[found.end() :]}' for found in re.finditer(r'\d+', name)}
    for name in extras - state_dict.keys():
        check_that_it_is_named(network, {**state_dict, name: value}, name)


@pytest.mark.parametrize('network', NETWORKS)
def test_a_tensor_of_another_network_is_named(network):
    state_dict = whole(network)
    prefix = 'module.' if all(name.startswith('module.') for name in state_dict) else ''
    for other in NETWORKS:
        theirs = {prefix + plain_name(name): name for name in some_names(other)}
        for name in sorted(theirs.keys() - state_dict.keys())[::3]:
            if not name.endswith('num_batches_tracked'):
                check_that_it_is_named(network, {**state_dict, name: whole(other)[theirs[name]]}, name)


@pytest.mark.parametrize('network', [network for network in NETWORKS if not network.startswith(('mmf', 'mmt', 'flow'))])
def test_another_number_of_classes_is_named(network):
    state_dict = whole(network)
    name, tensor = list(state_dict.items())[-1]
    assert tensor.ndim == 1  # the bias of the classifier
    size = tensor.shape[0]
    with pytest.raises(ValueError, match=rf'wrong: {plain_name(name)} is \({size + 2},\) instead of \({size},\)$'):
        convert_checkpoint({**state_dict, name: torch.empty(size + 2)}, model(network))


def test_a_stray_tensor_outside_the_common_prefix():
    state_dict, value = whole('tsm'), torch.empty(64)
    with pytest.raises(ValueError, match=r'not in the model: epoch$'):
        convert_checkpoint({**state_dict, 'epoch': value}, model('tsm'))
    with pytest.raises(ValueError, match=r"with and without 'module\.': base_model\.bn1\.bias$"):
        convert_checkpoint({**state_dict, 'base_model.bn1.bias': value}, model('tsm'))


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (dict(dtype=torch.int8), r'other kinds of numbers .*: cls_head\.fc_cls\.bias is int8 instead of float32: '),
        (dict(fill_value=math.nan), r'not finite, in cls_head\.fc_cls\.bias: '),
    ],
)
def test_values_that_the_model_cannot_take(values, message):
    state_dict = whole('tsm')
    name, tensor = list(state_dict.items())[-1]
    damaged = torch.full(tensor.shape, **{'fill_value': 1, 'dtype': torch.float32, **values})
    with pytest.raises(ValueError, match=message):
        convert_checkpoint({**state_dict, name: damaged}, model('tsm'))
