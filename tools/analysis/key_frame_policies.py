"""Compare the adaptive key-frame policy with fixed intervals on generated streams, at equal mean cost.

    python tools/analysis/key_frame_policies.py CONFIG CHECKPOINT [--out FILE.md]

Half of the streams move slowly and half fast, as videos do. Cost is counted in key frames: a propagated frame costs
0.030 of one and a flow field 0.019, which ``python tools/benchmark.py dff`` measures for PSPNet-R101 at 512x1024. A
frame that the adaptive policy turns into a key frame after all has paid for its flow as well.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmseg.evaluation import IoUMetric

from mmvidext.apis import VideoSegmentor
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene
from mmvidext.datasets.synthetic.scene import Scene
from mmvidext.models.propagation import AdaptiveInterval, FixedInterval, KeyFramePolicy

NUM_CLASSES = 19


class Outcome(NamedTuple):
    """What a policy costs and gains on all streams."""

    name: str
    key_frames: float
    cost: float
    miou: float


def make_streams(args: argparse.Namespace) -> list[Scene]:
    """Return slow and fast scenes alternately."""
    speeds = [args.slow, args.fast] * (args.streams // 2)
    return [
        random_scene(
            np.random.default_rng([args.seed, number]),
            SceneOptions(size=(256, 128), num_frames=args.frames, max_displacement=speed, thin_objects=1),
        )
        for number, speed in enumerate(speeds)
    ]


def run_policy(
    segmentor: VideoSegmentor, streams: list[list[tuple]], policy: KeyFramePolicy, args: argparse.Namespace
) -> tuple[float, float, float]:
    """Return the fraction of key frames, the mean cost of a frame and the mIoU in percent."""
    segmentor.policy = policy
    areas, cost, num_keys, num_frames = [], 0.0, 0, 0
    for stream in streams:
        segmentor.reset()
        for image, classes in stream:
            labels = torch.from_numpy(segmentor.step(image).astype(np.int64))
            areas.append(IoUMetric.intersect_and_union(labels, classes, NUM_CLASSES, 255))
            rejected = segmentor.is_key_frame and segmentor.residual is not None
            cost += (1 if segmentor.is_key_frame else args.propagation_cost) + args.flow_cost * rejected
            num_keys += segmentor.is_key_frame
            num_frames += 1
    totals = [sum(column) for column in zip(*areas, strict=True)]
    iou = IoUMetric.total_area_to_metrics(*totals, ['mIoU'])['IoU']
    return num_keys / num_frames, cost / num_frames, float(np.nanmean(iou) * 100)


def format_table(fixed: list[Outcome], adaptive: list[Outcome]) -> str:
    """Set each adaptive threshold against the fixed interval of the same cost, interpolated between intervals."""
    lines = [
        '| policy | key frames | cost of a frame | mIoU | fixed interval at this cost |',
        '|---|---:|---:|---:|---:|',
    ]
    by_cost = sorted(fixed, key=lambda outcome: outcome.cost)
    costs, scores = [outcome.cost for outcome in by_cost], [outcome.miou for outcome in by_cost]
    for outcome in (*fixed, *adaptive):
        inside = outcome in adaptive and costs[0] <= outcome.cost <= costs[-1]
        same = f'{np.interp(outcome.cost, costs, scores):.2f}' if inside else ''
        lines.append(
            f'| {outcome.name} | {outcome.key_frames:.1%} | {outcome.cost:.3f} | {outcome.miou:.2f} | {same} |'
        )
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', type=Path, help='also write the table to this file')
    parser.add_argument('--streams', type=int, default=16, help='an even number (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=48, help='of each stream (default: %(default)s)')
    parser.add_argument('--slow', type=float, default=0.5, help='greatest motion, pixels per frame (%(default)s)')
    parser.add_argument('--fast', type=float, default=8.0, help='the same of the fast half (%(default)s)')
    parser.add_argument('--intervals', type=int, nargs='+', default=[2, 3, 4, 6, 8, 12])
    parser.add_argument('--thresholds', type=float, nargs='+', default=[0.2, 0.25, 0.3, 0.35, 0.4])
    parser.add_argument('--propagation-cost', type=float, default=0.03, help='(default: %(default)s)')
    parser.add_argument('--flow-cost', type=float, default=0.019, help='(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=100)
    args = parser.parse_args()
    segmentor = VideoSegmentor(args.config, args.checkpoint)
    streams = []
    for scene in make_streams(args):
        views = [scene.view(frame) for frame in range(args.frames)]
        streams.append([(view.image, torch.from_numpy(view.classes.astype(np.int64))) for view in views])
    policies: dict[str, KeyFramePolicy] = {
        f'interval {interval}': FixedInterval(interval) for interval in args.intervals
    }
    policies |= {f'adaptive, {threshold}': AdaptiveInterval(threshold) for threshold in args.thresholds}
    outcomes = [Outcome(name, *run_policy(segmentor, streams, policy, args)) for name, policy in policies.items()]
    table = format_table(outcomes[: len(args.intervals)], outcomes[len(args.intervals) :])
    print(table)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(table + '\n')


if __name__ == '__main__':
    main()
