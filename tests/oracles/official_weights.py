"""State dicts in the layouts of the official repositories, listed layer by layer, filled with random values."""

from itertools import pairwise

import numpy as np
import torch

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def bn(name, channels, counter=True):
    shapes = {f'{name}.{key}': (channels,) for key in ('weight', 'bias', 'running_mean', 'running_var')}
    return {**shapes, f'{name}.num_batches_tracked': ()} if counter else shapes


def resnet2d(depth, conv1=lambda stage, block: 'conv1', block_name=lambda stage, block: f'layer{stage}.{block}'):
    """torchvision's ResNet without fc; the callables rename what an official wrapper renames."""
    shapes = {'conv1.weight': (64, 3, 7, 7), **bn('bn1', 64)}
    inplanes = 64
    for stage, count in enumerate(BLOCKS[depth], start=1):
        planes = 2 ** (5 + stage)
        out = planes * 4 if depth >= 50 else planes
        for block in range(count):
            name, first = block_name(stage, block), conv1(stage, block)
            if depth >= 50:
                shapes[f'{name}.{first}.weight'] = (planes, inplanes, 1, 1)
                shapes[f'{name}.conv2.weight'] = (planes, planes, 3, 3)
                shapes[f'{name}.conv3.weight'] = (out, planes, 1, 1)
                shapes |= {**bn(f'{name}.bn1', planes), **bn(f'{name}.bn2', planes), **bn(f'{name}.bn3', out)}
            else:
                shapes[f'{name}.{first}.weight'] = (planes, inplanes, 3, 3)
                shapes[f'{name}.conv2.weight'] = (planes, planes, 3, 3)
                shapes |= {**bn(f'{name}.bn1', planes), **bn(f'{name}.bn2', planes)}
            if block == 0 and (stage > 1 or inplanes != out):
                shapes[f'{name}.downsample.0.weight'] = (out, inplanes, 1, 1)
                shapes |= bn(f'{name}.downsample.1', out)
            inplanes = out
    return shapes


def wrapped(shapes, classes, features, fc='module.new_fc', conv1d=False):
    """A network inside the TSN class of the TSM family of repositories, inside DataParallel."""
    out = {f'module.base_model.{name}': shape for name, shape in shapes.items()}
    return out | {f'{fc}.weight': (classes, features, 1) if conv1d else (classes, features), f'{fc}.bias': (classes,)}


def non_local(name, channels):
    half = channels // 2
    shapes = {}
    for layer in ('g.0', 'theta', 'phi.0'):
        shapes |= {f'{name}.nl.{layer}.weight': (half, channels, 1, 1, 1), f'{name}.nl.{layer}.bias': (half,)}
    shapes |= {f'{name}.nl.W.0.weight': (channels, half, 1, 1, 1), f'{name}.nl.W.0.bias': (channels,)}
    return shapes | bn(f'{name}.nl.W.1', channels)


def mobilenet_v2(net=''):
    """``features`` of the MobileNetV2 of the TSM repository; ``net`` marks the ten shifted layers."""
    shapes = {'features.0.0.weight': (32, 3, 3, 3), **bn('features.0.1', 32)}
    number, inp = 1, 32
    for t, c, n in [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]:
        for i in range(n):
            name, hidden = f'features.{number}.conv', inp * t
            if t == 1:
                shapes |= {f'{name}.0.weight': (hidden, 1, 3, 3), **bn(f'{name}.1', hidden)}
                shapes |= {f'{name}.3.weight': (c, hidden, 1, 1), **bn(f'{name}.4', c)}
            else:
                first = f'{name}.0{net if i > 0 else ""}'
                shapes |= {f'{first}.weight': (hidden, inp, 1, 1), **bn(f'{name}.1', hidden)}
                shapes |= {f'{name}.3.weight': (hidden, 1, 3, 3), **bn(f'{name}.4', hidden)}
                shapes |= {f'{name}.6.weight': (c, hidden, 1, 1), **bn(f'{name}.7', c)}
            number, inp = number + 1, c
    return shapes | {'features.18.0.weight': (1280, 320, 1, 1), **bn('features.18.1', 1280)}


def motion_squeeze(expansion):
    """What MotionSqueeze adds to its ResNet."""
    channels = 128 * expansion
    shapes = {**bn('bn2', 128), 'chnl_reduction.0.weight': (64, channels, 1, 1), **bn('chnl_reduction.1', 64)}
    widths = [3, 16, 32, 64, channels]
    for i, (inp, out) in enumerate(pairwise(widths), start=1):
        name, size = f'flow_refinement.conv{i}', 7 if i == 1 else 3
        shapes |= {f'{name}.0.weight': (inp, 1, size, size), **bn(f'{name}.1', inp)}
        shapes |= {f'{name}.3.weight': (out, inp, 1, 1), **bn(f'{name}.4', out)}
    return shapes


def tin(name, channels, segments):
    """The networks before one ``conv1`` of TIN, for shift_div 4."""
    fold, name = channels // 4, f'{name}.conv1.net1'
    return {
        f'{name}.biasnet.net.conv.weight': (1, fold, 3),
        f'{name}.biasnet.net.conv.bias': (1,),
        f'{name}.biasnet.net.fc.weight': (segments, segments),
        f'{name}.biasnet.net.fc.bias': (segments,),
        f'{name}.biasnet.net.lastlayer.weight': (2, segments),
        f'{name}.biasnet.net.lastlayer.bias': (2,),
        f'{name}.weightnet.net.lastlayer.weight': (2, fold, 3),
        f'{name}.weightnet.net.lastlayer.bias': (2,),
    }


def _mid(inp, out):
    return (inp * out * 3 * 3 * 3) // (inp * 3 * 3 + 3 * out)


def video_resnet(arch, depth, per_block, classes=400):
    """torchvision's (``per_block``) or VMZ's video network; arch is r3d, mc3 or r2plus1d."""
    stem = {'stem.0.weight': (64, 3, 3, 7, 7), **bn('stem.1', 64)}
    if arch == 'r2plus1d':
        stem = {'stem.0.weight': (45, 3, 1, 7, 7), **bn('stem.1', 45)}
        stem |= {'stem.3.weight': (64, 45, 3, 1, 1), **bn('stem.4', 64)}
    shapes, inplanes = stem, 64

    def conv(name, stage, inp, out, mid):
        if arch == 'r2plus1d':
            mid = mid if per_block else _mid(inp, out)
            first = {f'{name}.0.weight': (mid, inp, 1, 3, 3), **bn(f'{name}.1', mid)}
            return first | {f'{name}.3.weight': (out, mid, 3, 1, 1)}
        return {f'{name}.weight': (out, inp, 1 if arch == 'mc3' and stage > 1 else 3, 3, 3)}

    for stage, count in enumerate(BLOCKS[depth], start=1):
        planes = 2 ** (5 + stage)
        out = planes * 4 if depth >= 50 else planes
        for block in range(count):
            name, mid = f'layer{stage}.{block}', _mid(inplanes, planes)
            if depth >= 50:
                shapes |= {f'{name}.conv1.0.weight': (planes, inplanes, 1, 1, 1), **bn(f'{name}.conv1.1', planes)}
                shapes |= {**conv(f'{name}.conv2.0', stage, planes, planes, mid), **bn(f'{name}.conv2.1', planes)}
                shapes |= {f'{name}.conv3.0.weight': (out, planes, 1, 1, 1), **bn(f'{name}.conv3.1', out)}
            else:
                shapes |= {**conv(f'{name}.conv1.0', stage, inplanes, planes, mid), **bn(f'{name}.conv1.1', planes)}
                shapes |= {**conv(f'{name}.conv2.0', stage, planes, planes, mid), **bn(f'{name}.conv2.1', planes)}
            if block == 0 and (stage > 1 or inplanes != out):
                shapes |= {f'{name}.downsample.0.weight': (out, inplanes, 1, 1, 1), **bn(f'{name}.downsample.1', out)}
            inplanes = out
    return shapes | {'fc.weight': (classes, inplanes), 'fc.bias': (classes,)}


def caffe2_spatbn(name, channels):
    return {f'{name}_{key}': (channels,) for key in ('s', 'b', 'rm', 'riv')}


VMZ_FRAMES = {  # that a kernel spans: of conv1, then of conv2 to conv5; R2D's conv1 takes all frames of a clip of 8
    'r2d': (8, 1, 1, 1, 1),
    'f_r2d': (1, 1, 1, 1, 1),
    'r3d': (3, 3, 3, 3, 3),
    'mc2': (3, 1, 1, 1, 1),
    'mc3': (3, 3, 1, 1, 1),
    'mc4': (3, 3, 3, 1, 1),
    'mc5': (3, 3, 3, 3, 1),
    'rmc2': (1, 3, 3, 3, 3),
    'rmc3': (1, 1, 3, 3, 3),
    'rmc4': (1, 1, 1, 3, 3),
    'rmc5': (1, 1, 1, 1, 3),
    'r2plus1d': (3, 3, 3, 3, 3),
}


def caffe2_video_resnet(arch, depth, classes=400):
    """Blobs of a VMZ Caffe2 model, from the paper's table of its architectures."""
    factorized, frames = arch == 'r2plus1d', VMZ_FRAMES[arch]
    blobs = {'conv1_w': (64, 3, frames[0], 7, 7), **caffe2_spatbn('conv1_spatbn_relu', 64)}
    if factorized:
        blobs |= {'conv1_middle_w': (45, 3, 1, 7, 7), **caffe2_spatbn('conv1_middle_spatbn_relu', 45)}
        blobs['conv1_w'] = (64, 45, 3, 1, 1)
    inp, i = 64, 0
    for stage, count in enumerate(BLOCKS[depth], start=1):
        base = 2 ** (5 + stage)
        out = 4 * base if depth >= 50 else base
        for block in range(count):
            convs = [(1, inp, base, True), (2, base, base, True)]
            if depth >= 50:
                convs = [(1, inp, base, False), (2, base, base, True), (3, base, out, False)]
            for j, cin, cout, real in convs:
                name = f'comp_{i}_conv_{j}'
                if not real:
                    blobs[f'{name}_w'] = (cout, cin, 1, 1, 1)
                elif factorized:
                    blobs[f'{name}_middle_w'] = (_mid(cin, cout), cin, 1, 3, 3)
                    blobs |= caffe2_spatbn(f'comp_{i}_spatbn_{j}_middle', _mid(cin, cout))
                    blobs[f'{name}_w'] = (cout, _mid(cin, cout), 3, 1, 1)
                else:
                    blobs[f'{name}_w'] = (cout, cin, frames[stage], 3, 3)
                blobs |= caffe2_spatbn(f'comp_{i}_spatbn_{j}', cout)
            if block == 0 and (stage > 1 or inp != out):
                blobs[f'shortcut_projection_{i}_w'] = (out, inp, 1, 1, 1)
                blobs |= caffe2_spatbn(f'shortcut_projection_{i}_spatbn', out)
            inp, i = out, i + 1
    return blobs | {f'last_out_L{classes}_w': (classes, inp), f'last_out_L{classes}_b': (classes,)}


def mmtracking_faster_rcnn(depth, classes=30):
    """The detector of mmtracking's Deep Feature Flow, without its prefix: Faster R-CNN DC5, 12 anchors a position."""
    shapes = {f'backbone.{name}': shape for name, shape in resnet2d(depth).items()}
    layers = {
        'neck.convs.0.conv': (512, 2048, 3, 3),
        'rpn_head.rpn_conv': (512, 512, 3, 3),
        'rpn_head.rpn_cls': (12, 512, 1, 1),
        'rpn_head.rpn_reg': (48, 512, 1, 1),
        'roi_head.bbox_head.fc_cls': (classes + 1, 1024),
        'roi_head.bbox_head.fc_reg': (4 * classes, 1024),
        'roi_head.bbox_head.shared_fcs.0': (1024, 512 * 7 * 7),
        'roi_head.bbox_head.shared_fcs.1': (1024, 1024),
    }
    for name, shape in layers.items():
        shapes |= {f'{name}.weight': shape, f'{name}.bias': shape[:1]}
    return shapes


def random_values(shapes, device='cpu'):
    """Fill a table of shapes so that activations stay near 1 and variances are positive."""
    if device == 'meta':
        return {name: torch.empty(shape, device='meta') for name, shape in shapes.items()}
    state = {}
    for name, shape in shapes.items():
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(7)
        elif len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))
            state[name] = torch.randn(shape) * (2 / fan_in) ** 0.5
        elif name.endswith(('running_var', '_riv')):
            state[name] = torch.rand(shape) + 0.5
        elif name.endswith(('running_mean', '_rm', 'bias', '_b')):
            state[name] = torch.randn(shape) * 0.1
        else:
            state[name] = torch.rand(shape) * 0.5 + 0.4
    return state
