"""2D ResNets under torchvision's or mmaction2's names: what the video networks on top of them start from."""

import re

from mmvidext.checkpoints.source import HEAD, RESNET, Source

__all__ = ['RESNET_2D']

_LAYER = re.compile(r'(backbone\.)?layer\d\.\d+\.(conv\d\.(weight|conv\.weight)|conv\.\d\.conv\.weight)$')
_WRAPPED = re.compile(r'\.(net|net2|block)\.')

RESNET_2D = Source(
    'resnet',
    "torchvision's and mmaction2's ResNets for images (mmaction2's MobileNetV2, too)",
    # a video network's own weights say where it shifts, pools or relates: they must fit as they are
    lambda weights: any(map(_LAYER.match, weights)) and not any(map(_WRAPPED.search, weights)),
    ((r'^fc\.', HEAD), (r'^(?=(conv|bn)\d\.|layer\d)', 'backbone.'), *RESNET),
    image_network=True,
)
