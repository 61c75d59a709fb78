"""Deep Feature Flow against the same detector frame by frame, at 600x1000, one clip, eval.

Each round runs the plain detector on one frame and then ten frames as a stream, the first a key frame. The parts are
feature (backbone and neck), flow, warp (with the scale map) and task (the heads, with NMS and the boxes). Rows of parts
compare with a whole frame of the plain detector. The weights are random, so that the heads keep as many boxes as
``test_cfg`` allows.

FlowNetS at full width is 12.4 billion multiplications at this size and the feature network 164: at interval 10 that
alone bounds the ratio by 5.95. At half width (3.3 billion) the bound is 8.5.
"""

import argparse
from pathlib import Path

import torch
from benchmarks.dff import LONGEST, Stopwatch, compare_with_frames
from benchmarks.timing import Comparison, launches, peak_on_cuda
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from mmvidext.models.detectors import DeepFeatureFlowDetector
from mmvidext.registry import MODELS

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'dff_rfcn_r101_vid.py'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default=str(CONFIG), help='of a DeepFeatureFlowDetector (default: %(default)s)')
    parser.add_argument('--flow-width', type=float, default=1.0, help="the paper's FlowNet Half is 0.5 (default: 1)")
    parser.add_argument('--size', type=int, nargs=2, default=(600, 1000), help='height and width of the frames')


def build(config: str | Path, flow_width: float, device: str) -> DeepFeatureFlowDetector:
    loaded = Config.fromfile(config)
    loaded.model.flow_net.width = flow_width
    init_default_scope(loaded.default_scope)
    return MODELS.build(loaded.model).to(device).eval()


def stream(model: DeepFeatureFlowDetector, frames: list[Tensor], sample: DetDataSample, watch: Stopwatch) -> None:
    """Find the objects of frames, the first one a key frame."""
    key_frame = watch('feature', lambda: model.encode_key_frame(frames[0]))
    watch('task', lambda: model.decode(key_frame.maps, [sample]))
    for frame in frames[1:]:
        motion = watch('flow', lambda frame=frame: model.estimate_motion(frame, key_frame))
        maps = watch('warp', lambda motion=motion: model.feature_flow(key_frame.maps, motion))
        watch('task', lambda maps=maps: model.decode(maps, [sample]))


@torch.inference_mode()
def run(args: argparse.Namespace) -> list[Comparison]:
    model = build(args.config, args.flow_width, args.device)
    size = tuple(args.size)
    meta = dict.fromkeys(('img_shape', 'ori_shape', 'pad_shape', 'batch_input_shape'), size)
    sample = DetDataSample(metainfo={**meta, 'scale_factor': (1.0, 1.0)})
    frames = [torch.randn(1, 3, *size, device=args.device) for _ in range(LONGEST)]
    stream(model, frames[:2], sample, Stopwatch())  # warm-up
    watch, counts, peaks = Stopwatch(), Stopwatch(launches), Stopwatch(peak_on_cuda)
    others = [counts, peaks] if args.device.startswith('cuda') else [counts]
    for each in [watch] * args.rounds + others:
        each('frame', lambda: model.detector.predict(frames[0], [sample]))
        stream(model, frames, sample, each)
    return compare_with_frames(watch, counts, peaks, intervals=(5, LONGEST))
