"""Deep Feature Flow against the same segmentor frame by frame, at 512x1024, one clip, eval.

Each round segments one frame with the plain segmentor and then ten frames as a stream, the first a key frame. A cycle
of 5 is the first five of them. The parts are feature (backbone and head up to the classifier), flow, warp (with the
scale map) and task (classifier, resize, argmax). Rows of parts compare with a whole frame of the plain segmentor.

``--stream-frames 1000`` also streams that many small frames through a small model and compares the memory and the time
of the last hundred frames with those of the first hundred.
"""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from benchmarks.timing import Comparison, launches, memory_kib, peak_on_cuda, time_once
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import Tensor

from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.models.segmentors.label_map import label_map
from mmvidext.registry import MODELS

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'dff_pspnet_r101_cityscapes.py'
SMALL_CONFIG = CONFIG.with_name('demo') / 'dff_pspnet_r18_demo.py'
LONGEST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default=str(CONFIG), help='config of a DeepFeatureFlow (default: %(default)s)')
    parser.add_argument('--size', type=int, nargs=2, default=(512, 1024), help='height and width of the frames')
    parser.add_argument('--stream-frames', type=int, default=0, help='also stream this many frames (default: none)')


class Stopwatch:
    """Collects measurements of named parts.

    Args:
        measure: Calls a function and returns what it measured; by default the milliseconds.
    """

    def __init__(self, measure: Callable[[Callable[[], Any]], Any] = time_once) -> None:
        self.measure = measure
        self.found: dict[str, list[Any]] = defaultdict(list)

    def __call__(self, name: str, function: Callable[[], Any]) -> Any:
        """Call the function, note what is measured under ``name``, return its result."""
        results: list[Any] = []
        self.found[name].append(self.measure(lambda: results.append(function())))
        return results[0]

    def median(self, name: str) -> float:
        """Return the median of all measurements of a part."""
        return statistics.median(self.found[name])


def build(config: str | Path, device: str) -> DeepFeatureFlow:
    loaded = Config.fromfile(config)
    init_default_scope(loaded.default_scope)
    return revert_sync_batchnorm(MODELS.build(loaded.model)).to(device).eval()


def stream(model: DeepFeatureFlow, frames: list[Tensor], watch: Stopwatch) -> None:
    """Segment frames, the first one a key frame."""
    meta = {'img_shape': tuple(frames[0].shape[-2:])}
    key_frame = watch('feature', lambda: model.encode_key_frame(frames[0]))
    watch('task', lambda: label_map(model, model.decode(key_frame.maps), meta))
    for frame in frames[1:]:
        motion = watch('flow', lambda frame=frame: model.estimate_motion(frame, key_frame))
        maps = watch('warp', lambda motion=motion: model.feature_flow(key_frame.maps, motion))
        watch('task', lambda maps=maps: label_map(model, model.decode(maps), meta))


@torch.inference_mode()
def run(args: argparse.Namespace) -> list[Comparison]:
    model = build(args.config, args.device)
    size = tuple(args.size)
    frames = [torch.randn(1, 3, *size, device=args.device) for _ in range(LONGEST)]
    watch = Stopwatch()
    plain = model.segmentor
    stream(model, frames[:2], Stopwatch())  # warm-up
    counts, peaks = Stopwatch(launches), Stopwatch(peak_on_cuda)
    others = [counts, peaks] if args.device.startswith('cuda') else [counts]
    for each in [watch] * args.rounds + others:
        each('frame', lambda: label_map(plain, plain.decode_head(plain.extract_feat(frames[0])), {'img_shape': size}))
        stream(model, frames, each)
    rows = compare_with_frames(watch, counts, peaks, intervals=(5, LONGEST))
    if args.stream_frames:
        rows.append(stream_memory(args))
    return rows


def compare_with_frames(
    watch: Stopwatch, counts: Stopwatch, peaks: Stopwatch, *, intervals: Sequence[int]
) -> list[Comparison]:
    """Compare each part of a stream with a whole frame of the plain model, and a frame of a stream on average."""
    frame_ms = watch.median('frame')
    parts = {name: watch.median(name) for name in ('feature', 'flow', 'warp', 'task')}
    rows = []
    for name, ms in parts.items():
        row = Comparison(f'part: {name}', name, 'whole frame', ms, frame_ms)
        (row.ours_launches, row.ours_moved_mb), (row.other_launches, row.other_moved_mb) = (
            counts.found[part][-1] for part in (name, 'frame')
        )
        row.ours_peak_mb, row.other_peak_mb = (max(peaks.found[part], default=None) for part in (name, 'frame'))
        rows.append(row)
    for interval in intervals:
        cheap = parts['flow'] + parts['warp'] + parts['task']
        per_frame = (parts['feature'] + parts['task'] + (interval - 1) * cheap) / interval
        name = f'frame, interval {interval}'
        rows.append(Comparison(name, 'Deep Feature Flow', 'frame by frame', per_frame, frame_ms))
    return rows


def stream_memory(args: argparse.Namespace) -> Comparison:
    """Stream many frames through the small model; memory is what the process holds after the first and last 100."""
    from mmvidext.apis import VideoSegmentor

    segmentor = VideoSegmentor(SMALL_CONFIG, device=args.device)
    frame = torch.randint(256, (128, 256, 3), dtype=torch.uint8).numpy()
    chunk = 100
    times, resident = [], []
    for _ in range(max(args.stream_frames // chunk, 2)):
        times.append(time_once(lambda: [segmentor.step(frame) for _ in range(chunk)]))
        resident.append(memory_kib('VmRSS') / 1024)
    return Comparison(
        f'small model, a frame of {chunk * len(times)}',
        f'last {chunk}',
        f'first {chunk}',
        times[-1] / chunk,
        times[0] / chunk,
        resident[-1],
        resident[0],
    )
