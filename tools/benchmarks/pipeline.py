"""Time the training pipeline of a config on one core, step by step, on videos and on copies with more key frames.

Prints clips/s a core, the share of each step, and how many cores feed a GPU that takes --gpu-rate clips/s.
"""

import argparse
import math
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import torch
from benchmarks.clips import AS_THEY_ARE, sources
from benchmarks.clips import add_arguments as add_video_arguments
from benchmarks.timing import Comparison, time_once
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvidext.apis.frame_pipeline import innermost_dataset

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'tsm_r50_sthv2.py'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default=str(CONFIG), help='whose train_dataloader is taken (default: %(default)s)')
    parser.add_argument('--gpu-rate', type=float, default=300, help='clips/s that a GPU takes (default: %(default)s)')
    add_video_arguments(parser)


def build_steps(config: str) -> list[Any]:
    """Return the transforms of a config's training pipeline."""
    from mmaction.utils import register_all_modules

    loaded = Config.fromfile(config)
    register_all_modules(init_default_scope=False)
    init_default_scope(loaded.default_scope)
    from mmaction.registry import TRANSFORMS

    steps = innermost_dataset(loaded, 'train_dataloader').get('pipeline')
    if not steps:
        raise SystemExit(f'{config} has no train_dataloader with a pipeline; choose another --config')
    return [TRANSFORMS.build(dict(step)) for step in steps]


def time_steps(steps: list[Any], path: str) -> dict[str, float]:
    """Return the milliseconds of each step for one clip."""
    results: list[Any] = [dict(filename=path, label=0, start_index=0, modality='RGB')]
    return {
        f'{index} {type(step).__name__}': time_once(lambda step=step: results.append(step(results[-1])))
        for index, step in enumerate(steps)
    }


def time_alternately(steps: list[Any], found: dict[str, list[str]], rounds: int) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each step on each kind of videos, which take turns."""
    clips = defaultdict(list)
    for number in range(-1, rounds):  # the first round is not counted
        for paths in zip(*found.values(), strict=True):
            for kind, path in zip(found, paths, strict=True):
                times = time_steps(steps, path)
                if number >= 0:
                    clips[kind].append(times)
    return {
        kind: {name: statistics.median(times[name] for times in all_times) for name in all_times[0]}
        for kind, all_times in clips.items()
    }


def run(args: argparse.Namespace) -> list[Comparison]:
    """Time the pipeline on each kind of copy, and compare it with the videos as they are."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    steps = build_steps(args.config)
    rows = []
    with sources(args) as found:
        measured = time_alternately(steps, found, args.rounds)
    before = sum(measured[AS_THEY_ARE].values())
    for kind, times in measured.items():
        total = sum(times.values())
        rate = 1000 / total
        shares = ', '.join(f'{name.split()[1]} {ms / total:.0%}' for name, ms in times.items() if ms >= 0.005 * total)
        print(
            f'{kind}: {total:.1f} ms a clip, {rate:.1f} clips/s a core, {math.ceil(args.gpu_rate / rate)} cores for '
            f'{args.gpu_rate:g} clips/s\n  {shares}'
        )
        if kind != AS_THEY_ARE:
            rows.append(Comparison('whole pipeline, a clip', kind, AS_THEY_ARE, total, before))
    return rows or [Comparison('whole pipeline, a clip', AS_THEY_ARE, AS_THEY_ARE, before, before)]
