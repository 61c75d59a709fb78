"""Checkpoints of https://github.com/deepcs233/TIN: temporal interlacing in a ResNet."""

from mmvidext.checkpoints.source import IMAGENET_INPUT, RESNET, Source
from mmvidext.checkpoints.sources.tsm import WRAPPED

__all__ = ['TIN']

TIN = Source(
    'tin',
    'deepcs233/TIN: temporal interlacing networks',
    lambda weights: any(name.startswith('base_model.') and '.conv1.net1.' in name for name in weights),
    (
        *WRAPPED,
        *RESNET,
        (r'\.conv1\.net1\.biasnet\.net\.conv\.', '.conv1.conv.net1.offset_net.conv.'),
        (r'\.conv1\.net1\.biasnet\.net\.fc\.', '.conv1.conv.net1.offset_net.fc1.'),
        (r'\.conv1\.net1\.biasnet\.net\.lastlayer\.', '.conv1.conv.net1.offset_net.fc2.'),
        (r'\.conv1\.net1\.weightnet\.net\.lastlayer\.', '.conv1.conv.net1.weight_net.conv.'),
    ),
    settings=IMAGENET_INPUT,
)
