"""Forward passes of the official video networks, written out as functions of their state dicts."""

import torch
import torch.nn.functional as F

from tests.oracles.official_weights import BLOCKS


def _bn(x, state, name, eps):
    return F.batch_norm(
        x,
        state[f'{name}.running_mean'],
        state[f'{name}.running_var'],
        state[f'{name}.weight'],
        state[f'{name}.bias'],
        eps=eps,
    )


def _conv(x, weight, stride=(1, 1, 1)):
    return F.conv3d(x, weight, stride=stride, padding=[size // 2 for size in weight.shape[2:]])


def _unit(x, state, name, stride, eps):
    """A 3D, 2D or (2+1)D convolution."""
    if f'{name}.3.weight' in state:
        x = torch.relu(_bn(_conv(x, state[f'{name}.0.weight'], (1, stride, stride)), state, f'{name}.1', eps))
        return _conv(x, state[f'{name}.3.weight'], (stride, 1, 1))
    weight = state[f'{name}.weight']
    return _conv(x, weight, (stride if weight.shape[2] == 3 else 1, stride, stride))


def torchvision_video(state, clip, depth, eps):
    """Logits of a torchvision video network for ``clip (N, 3, T, H, W)``."""
    x = torch.relu(_bn(_conv(clip, state['stem.0.weight'], (1, 2, 2)), state, 'stem.1', eps))
    if 'stem.3.weight' in state:
        x = torch.relu(_bn(_conv(x, state['stem.3.weight']), state, 'stem.4', eps))
    for stage, count in enumerate(BLOCKS[depth], start=1):
        for block in range(count):
            name, stride = f'layer{stage}.{block}', 2 if stage > 1 and block == 0 else 1
            strides = [1, stride, 1] if depth >= 50 else [stride, 1]
            y = x
            for number, step in enumerate(strides, start=1):
                conv = f'{name}.conv{number}'
                if depth >= 50 and number != 2:
                    y = _conv(y, state[f'{conv}.0.weight'])
                else:
                    y = _unit(y, state, f'{conv}.0', step, eps)
                y = _bn(y, state, f'{conv}.1', eps)
                y = torch.relu(y) if number < len(strides) else y
            if f'{name}.downsample.0.weight' in state:
                # the shortcut strides as its block does: over time only where the block convolves over time
                time = stride if y.shape[2] != x.shape[2] else 1
                shortcut = F.conv3d(x, state[f'{name}.downsample.0.weight'], stride=(time, stride, stride))
                x = _bn(shortcut, state, f'{name}.downsample.1', eps)
            x = torch.relu(x + y)
    return F.linear(x.mean((2, 3, 4)), state['fc.weight'], state['fc.bias'])


def _spatbn(x, blobs, name):
    return F.batch_norm(x, blobs[f'{name}_rm'], blobs[f'{name}_riv'], blobs[f'{name}_s'], blobs[f'{name}_b'], eps=1e-3)


def _caffe2_conv(x, blobs, i, j, stride):
    middle = f'comp_{i}_conv_{j}_middle_w'
    weight = blobs[f'comp_{i}_conv_{j}_w']
    if middle in blobs:
        x = torch.relu(_spatbn(_conv(x, blobs[middle], (1, stride, stride)), blobs, f'comp_{i}_spatbn_{j}_middle'))
        x = _conv(x, weight, (stride, 1, 1))
    else:
        x = _conv(x, weight, (stride if weight.shape[2] == 3 else 1, stride, stride))
    return _spatbn(x, blobs, f'comp_{i}_spatbn_{j}')


def caffe2_video(blobs, clip, depth):
    """Logits of a VMZ Caffe2 network for ``clip (N, 3, T, H, W)``."""
    x = clip
    if 'conv1_middle_w' in blobs:
        x = torch.relu(_spatbn(_conv(x, blobs['conv1_middle_w'], (1, 2, 2)), blobs, 'conv1_middle_spatbn_relu'))
        x = _conv(x, blobs['conv1_w'])
    else:
        x = _conv(x, blobs['conv1_w'], (1, 2, 2))
    x = torch.relu(_spatbn(x, blobs, 'conv1_spatbn_relu'))
    starts = {sum(BLOCKS[depth][:stage]) for stage in (1, 2, 3)}
    for i in range(sum(BLOCKS[depth])):
        stride, last = 2 if i in starts else 1, 3 if depth >= 50 else 2
        y = x
        for j in range(1, last + 1):
            y = _caffe2_conv(y, blobs, i, j, stride if j == last - 1 else 1)
            y = torch.relu(y) if j < last else y
        if f'shortcut_projection_{i}_w' in blobs:
            time = stride if y.shape[2] != x.shape[2] else 1
            weight = blobs[f'shortcut_projection_{i}_w']
            x = _spatbn(F.conv3d(x, weight, stride=(time, stride, stride)), blobs, f'shortcut_projection_{i}_spatbn')
        x = torch.relu(x + y)
    (name,) = [name.removesuffix('_w') for name in blobs if name.startswith('last_out') and name.endswith('_w')]
    return F.linear(x.mean((2, 3, 4)), blobs[f'{name}_w'], blobs[f'{name}_b'])
