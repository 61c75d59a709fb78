"""Forward passes of the official 2D recognizers (TSM, MotionSqueeze, TIN), written out as functions of their weights.

``state`` has the official names without ``module.base_model.``; frames are ``(N*T, 3, H, W)``, results features.
"""

import torch
import torch.nn.functional as F

from tests.oracles.official_weights import BLOCKS
from tests.oracles.temporal_interlace import naive_temporal_interlace


def bn(x, state, name):
    return F.batch_norm(
        x,
        state[f'{name}.running_mean'],
        state[f'{name}.running_var'],
        state[f'{name}.weight'],
        state[f'{name}.bias'],
    )


def conv(x, weight, stride=1):
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)


def shift(x, segments, fold, past_only=False):
    x = x.unflatten(0, (-1, segments))
    out = torch.zeros_like(x)
    if past_only:
        out[:, 1:, :fold] = x[:, :-1, :fold]
        out[:, :, fold:] = x[:, :, fold:]
    else:
        out[:, :-1, :fold] = x[:, 1:, :fold]
        out[:, 1:, fold : 2 * fold] = x[:, :-1, fold : 2 * fold]
        out[:, :, 2 * fold :] = x[:, :, 2 * fold :]
    return out.flatten(0, 1)


def non_local(x, state, name, segments):
    x = x.unflatten(0, (-1, segments)).transpose(1, 2)  # (N, C, T, H, W)

    def project(layer):
        return F.conv3d(x, state[f'{name}.nl.{layer}.weight'], state[f'{name}.nl.{layer}.bias'])

    g = F.max_pool3d(project('g.0'), (1, 2, 2)).flatten(2)
    phi = F.max_pool3d(project('phi.0'), (1, 2, 2)).flatten(2)
    theta = project('theta')
    attention = torch.softmax(theta.flatten(2).transpose(1, 2) @ phi, -1)
    y = (attention @ g.transpose(1, 2)).transpose(1, 2).reshape(theta.shape)
    y = F.conv3d(y, state[f'{name}.nl.W.0.weight'], state[f'{name}.nl.W.0.bias'])
    return (x + bn(y, state, f'{name}.nl.W.1')).transpose(1, 2).flatten(0, 1)


def interlace(x, state, name, segments):
    fold = x.shape[1] // 4
    pooled = x[:, :fold].unflatten(0, (-1, segments)).mean((3, 4)).transpose(1, 2)  # (N, C', T)
    bias, weight = f'{name}.net1.biasnet.net', f'{name}.net1.weightnet.net.lastlayer'
    hidden = F.conv1d(pooled, state[f'{bias}.conv.weight'], state[f'{bias}.conv.bias'], padding=1).squeeze(1)
    hidden = F.relu(F.linear(hidden, state[f'{bias}.fc.weight'], state[f'{bias}.fc.bias']))
    offset = F.linear(hidden, state[f'{bias}.lastlayer.weight'], state[f'{bias}.lastlayer.bias'])
    offset = 4 * (offset.sigmoid() - 0.5)
    factor = F.conv1d(pooled, state[f'{weight}.weight'], state[f'{weight}.bias'], padding=1)
    factor = 2 * factor.sigmoid().transpose(1, 2)[..., None]
    factor = factor.repeat(1, 1, 2, fold // 4).flatten(2)[:, :, :: fold // 4]  # one for each group
    moved = naive_temporal_interlace(x[:, :fold], torch.cat([offset, -offset], 1), factor, segments)
    return torch.cat([moved, x[:, fold:]], 1)


def _block(x, state, name, kind, stride, first):
    """One torchvision block; ``first`` computes its first convolution from the block's input."""
    convs = 3 if f'{name}.conv3.weight' in state else 2
    strides = {1: stride if convs == 2 else 1, 2: stride if convs == 3 else 1, 3: 1}
    y = F.relu(bn(first(x, strides[1]), state, f'{name}.bn1'))
    for number in range(2, convs + 1):
        y = bn(conv(y, state[f'{name}.conv{number}.weight'], strides[number]), state, f'{name}.bn{number}')
        y = F.relu(y) if number < convs else y
    if f'{name}.downsample.0.weight' in state:
        x = bn(F.conv2d(x, state[f'{name}.downsample.0.weight'], stride=stride), state, f'{name}.downsample.1')
    return F.relu(x + y)


def resnet(state, frames, depth, segments, *, kind='blockres', after_layer2=None):
    """kind: 'blockres', 'block', 'none', 'tin' or 'motionsqueeze'; the rest is read off the keys."""
    pooled = any(name.startswith('layer2.net.') for name in state)
    x = F.relu(bn(F.conv2d(frames, state['conv1.weight'], stride=2, padding=3), state, 'bn1'))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, count in enumerate(BLOCKS[depth], start=1):
        prefix = f'layer{stage}'
        if pooled and stage == 2:
            clips = x.unflatten(0, (-1, segments)).transpose(1, 2)
            x = F.max_pool3d(clips, (3, 1, 1), (2, 1, 1), (1, 0, 0)).transpose(1, 2).flatten(0, 1)
            segments, prefix = segments // 2, 'layer2.net'
        for index in range(count):
            outer = f'{prefix}.{index}'
            name = outer
            if f'{outer}.nl.theta.weight' in state:
                name = f'{outer}.block'
            if kind == 'block':
                name = f'{outer}.net'
                x = shift(x, segments, x.shape[1] // 8)
            x = _block(x, state, name, kind, 2 if stage > 1 and index == 0 else 1, _first(state, name, kind, segments))
            if name.endswith('.block'):
                x = non_local(x, state, outer, segments)
        if stage == 2 and after_layer2:
            x = after_layer2(x)
    return x


def _first(state, name, kind, segments):
    def run(x, stride):
        if kind == 'tin':
            return conv(interlace(x, state, f'{name}.conv1', segments), state[f'{name}.conv1.net2.weight'], stride)
        if f'{name}.conv1.net.weight' in state:
            return conv(shift(x, segments, x.shape[1] // 8), state[f'{name}.conv1.net.weight'], stride)
        if kind == 'motionsqueeze':
            x = shift(x, segments, x.shape[1] // 8)
        return conv(x, state[f'{name}.conv1.weight'], stride)

    return run


def motion_squeeze(x, state, segments):
    """The official layer after ``layer2``, with its correlation as a loop over displacements."""
    y = F.relu(bn(conv(x, state['chnl_reduction.0.weight']), state, 'chnl_reduction.1')).unflatten(0, (-1, segments))
    y = y / (y.square().sum(2, keepdim=True) + 1e-6).sqrt()
    first, second = y[:, :-1].flatten(0, 1), y[:, 1:].flatten(0, 1)
    height, width = first.shape[2:]
    padded = F.pad(second, (7, 7, 7, 7))
    corr = [(first * padded[:, :, dy : dy + height, dx : dx + width]).sum(1) for dy in range(15) for dx in range(15)]
    corr = F.relu(torch.stack(corr, 1))  # (pairs, 225, H, W)
    best = corr.argmax(1, keepdim=True)
    dy, dx = (torch.arange(225) // 15).view(1, -1, 1, 1), (torch.arange(225) % 15).view(1, -1, 1, 1)
    gauss = torch.exp(-((dx - best % 15) ** 2 + (dy - best // 15) ** 2) / (2 * 5.0**2))
    prob = torch.softmax(100 * gauss * corr, 1)
    flow_x, flow_y = ((prob * (d - 7)).sum(1, keepdim=True) / 7 for d in (dx, dy))
    motion = torch.cat([flow_x, flow_y, corr.amax(1, keepdim=True)], 1).unflatten(0, (-1, segments - 1))
    z = torch.cat([motion, motion[:, -1:]], 1).flatten(0, 1)
    for number in range(1, 5):
        name = f'flow_refinement.conv{number}'
        z = F.relu(
            bn(
                F.conv2d(z, state[f'{name}.0.weight'], padding=3 if number == 1 else 1, groups=z.shape[1]),
                state,
                f'{name}.1',
            )
        )
        z = F.relu(bn(F.conv2d(z, state[f'{name}.3.weight']), state, f'{name}.4'))
    return z + x


def mobilenet_v2(state, frames, segments, *, past_only):
    """The official MobileNetV2: both ways on clips, or, as its online demonstration, from the past only."""
    x = F.relu6(bn(F.conv2d(frames, state['features.0.0.weight'], stride=2, padding=1), state, 'features.0.1'))
    shifted = {2, 4, 5, 7, 8, 9, 11, 12, 14, 15}
    strides = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
    for i, stride in enumerate(strides):
        name, y = f'features.{i + 1}.conv', x
        depthwise = 3
        if i == 0:
            depthwise = 0
        else:
            y = shift(y, segments, y.shape[1] // 8, past_only) if i in shifted else y
            weight = state.get(f'{name}.0.net.weight')
            weight = state[f'{name}.0.weight'] if weight is None else weight
            y = F.relu6(bn(F.conv2d(y, weight), state, f'{name}.1'))
        weight = state[f'{name}.{depthwise}.weight']
        y = F.conv2d(y, weight, stride=stride, padding=1, groups=y.shape[1])
        y = F.relu6(bn(y, state, f'{name}.{depthwise + 1}'))
        y = bn(F.conv2d(y, state[f'{name}.{depthwise + 3}.weight']), state, f'{name}.{depthwise + 4}')
        x = x + y if x.shape == y.shape and stride == 1 and i > 0 else y
    return F.relu6(bn(F.conv2d(x, state['features.18.0.weight']), state, 'features.18.1'))
