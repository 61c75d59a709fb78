"""FlowNetS and FlowNetC written out from the published layer table, one functional call for each layer.

``weights`` maps a layer's name in the table (``conv1``, ``deconv5``, ``predict6``, ``upflow6``, ``conv_redir``) to its
``(weight, bias)``; ``bias`` may be None.
"""

import torch
import torch.nn.functional as F


def _leaky(x):
    return torch.where(x > 0, x, 0.1 * x)


def _conv(weights, name, x, stride=1):
    weight, bias = weights[name]
    return F.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)


def _deconv(weights, name, x, like):
    weight, bias = weights[name]
    # the authors' form: no padding, then crop one pixel off the top and left
    return F.conv_transpose2d(x, weight, bias, stride=2)[..., 1 : 1 + like.shape[2], 1 : 1 + like.shape[3]]


def correlation(first, second, *, max_displacement, dilation):
    height, width = first.shape[-2:]
    reach = max_displacement * dilation
    padded = F.pad(second, (reach,) * 4)
    maps = [
        (first * padded[..., reach + dy : reach + dy + height, reach + dx : reach + dx + width]).sum(1)
        for dy in range(-reach, reach + 1, dilation)
        for dx in range(-reach, reach + 1, dilation)
    ]
    return torch.stack(maps, 1)


def _refine(weights, conv2, conv3, conv4, conv5, conv6):
    flows = {6: _conv(weights, 'predict6', conv6)}
    feature = conv6
    for level, skip in ((5, conv5), (4, conv4), (3, conv3), (2, conv2)):
        deconv = _leaky(_deconv(weights, f'deconv{level}', feature, skip))
        upflow = _deconv(weights, f'upflow{level + 1}', flows[level + 1], skip)
        feature = torch.cat((skip, deconv, upflow), 1)
        flows[level] = _conv(weights, f'predict{level}', feature)
    return flows


def _contract(weights, merged):
    conv3 = _leaky(_conv(weights, 'conv3_1', merged))
    conv4 = _leaky(_conv(weights, 'conv4_1', _leaky(_conv(weights, 'conv4', conv3, 2))))
    conv5 = _leaky(_conv(weights, 'conv5_1', _leaky(_conv(weights, 'conv5', conv4, 2))))
    conv6 = _leaky(_conv(weights, 'conv6_1', _leaky(_conv(weights, 'conv6', conv5, 2))))
    return conv3, conv4, conv5, conv6


def flownet_s(weights, first, second):
    conv2 = _leaky(_conv(weights, 'conv2', _leaky(_conv(weights, 'conv1', torch.cat((first, second), 1), 2)), 2))
    return _refine(weights, conv2, *_contract(weights, _leaky(_conv(weights, 'conv3', conv2, 2))))


def flownet_c(weights, first, second, *, normalize=True):
    twins = []
    for image in (first, second):
        conv2 = _leaky(_conv(weights, 'conv2', _leaky(_conv(weights, 'conv1', image, 2)), 2))
        twins.append((conv2, _leaky(_conv(weights, 'conv3', conv2, 2))))
    (conv2, conv3_first), (_, conv3_second) = twins
    cost = correlation(conv3_first, conv3_second, max_displacement=10, dilation=2)
    cost = _leaky(cost / conv3_first.shape[1] if normalize else cost)
    redirected = _leaky(_conv(weights, 'conv_redir', conv3_first))
    return _refine(weights, conv2, *_contract(weights, torch.cat((redirected, cost), 1)))
