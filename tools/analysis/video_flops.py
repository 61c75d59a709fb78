"""Count the operations of Deep Feature Flow: of a key frame, of a frame that is propagated, and on average.

python tools/analysis/video_flops.py CONFIG [--shape HEIGHT WIDTH]
"""

import argparse

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmvidext.models.propagation import KeyFrame
from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.registry import MODELS


class _KeyFrame(nn.Module):
    def __init__(self, model: DeepFeatureFlow) -> None:
        super().__init__()
        self.model = model

    def forward(self, frame: Tensor) -> Tensor:
        return self.model.decode(self.model.encode_key_frame(frame).maps)


class _Propagated(nn.Module):
    def __init__(self, model: DeepFeatureFlow) -> None:
        super().__init__()
        self.model = model

    def forward(self, frame: Tensor, flow_frame: Tensor, *maps: Tensor) -> Tensor:
        key_frame = KeyFrame(flow_frame, maps)
        return self.model.propagate(key_frame, self.model.estimate_motion(frame, key_frame))


def count(model: DeepFeatureFlow, height: int, width: int) -> tuple[float, float]:
    """Return the multiply-adds of a key frame and of a propagated frame."""
    frame = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        key_frame = model.encode_key_frame(frame)
    steps = ((_KeyFrame(model), (frame,)), (_Propagated(model), (frame, key_frame.flow_frame, *key_frame.maps)))
    found = [
        get_model_complexity_info(step, inputs=inputs, show_table=False, show_arch=False)['flops']
        for step, inputs in steps
    ]
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--shape', type=int, nargs=2, default=(512, 1024), metavar=('HEIGHT', 'WIDTH'))
    args = parser.parse_args()
    config = Config.fromfile(args.config)
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    if not isinstance(model, DeepFeatureFlow):
        parser.error(f'the model of the config must be a DeepFeatureFlow, but it is a {type(model).__name__}')
    key, propagated = count(revert_sync_batchnorm(model).eval(), *args.shape)
    interval = model.key_frame_interval
    parameters = sum(value.numel() for value in model.parameters())
    print(f'{args.shape[0]}x{args.shape[1]}, in 10^9 multiply-adds, {parameters / 1e6:.2f} million parameters')
    print(f'key frame         {key / 1e9:10.3f}')
    print(f'propagated frame  {propagated / 1e9:10.3f}')
    print(f'interval {interval:<9}{(key + (interval - 1) * propagated) / interval / 1e9:10.3f}')


if __name__ == '__main__':
    main()
