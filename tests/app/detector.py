"""A video detector that finds something everywhere."""

import torch
from mmengine.config import Config

from tests.models.detectors.tiny import video_config


def write_detector(folder):
    """Write ``detection.py``, and weights for it whose scores are about 0.5; return both as ``CONFIG=CHECKPOINT``."""
    from mmvidext.apis import VideoDetector

    config = Config(video_config(3).to_dict())
    config.dump(folder / 'detection.py')
    torch.manual_seed(0)
    model = VideoDetector(config).model
    model.init_weights()
    head = model.detector.bbox_head.retina_cls
    torch.nn.init.normal_(head.weight, std=0.3)
    torch.nn.init.zeros_(head.bias)
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, folder / 'detection.pth')
    return f'{folder}/detection.py={folder}/detection.pth'
