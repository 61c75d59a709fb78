"""Time the frames of one clip, opening included: PyAV as this package uses it against decord, torchcodec and OpenCV.

A clip is one frame at a random place in each of 8 equal parts of the video, as TSM samples it. Each decoder gets the
same places, uses one thread, and jumps to what is sampled. Use --cpu-time on a busy machine.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
from benchmarks.clips import add_arguments as add_arguments
from benchmarks.clips import sources
from benchmarks.decoders import Choose, installed_decoders
from benchmarks.timing import Comparison, time_alternately

NUM_SEGMENTS = 8


def sampler(seed: int) -> Choose:
    """Return a function that chooses the frames of a clip."""

    def choose(num_frames: int) -> Sequence[int]:
        length = num_frames // NUM_SEGMENTS
        offsets = np.random.default_rng(seed).integers(0, max(length, 1), NUM_SEGMENTS)
        return np.minimum(np.arange(NUM_SEGMENTS) * length + offsets, num_frames - 1).tolist()

    return choose


def decoding(decode: Callable[[str, Choose], Any], paths: list[str]) -> Callable[[], Any]:
    """Return a call that decodes one clip, each time of the next video."""
    numbers = count()

    def call() -> Any:
        number = next(numbers)
        return decode(paths[number % len(paths)], sampler(number))

    return call


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare each decoder with PyAV on the videos and their copies."""
    rows = []
    ours, *others = installed_decoders().items()
    with sources(args) as found:
        for kind, paths in found.items():
            calls = [decoding(decode, paths) for _, decode in (ours, *others)]
            for (name, _), call in zip(others, calls[1:], strict=True):
                try:
                    times = time_alternately(calls[0], call, rounds=max(args.rounds, len(paths)))
                except Exception as error:  # each library has its own; the others are timed nevertheless
                    print(f'{kind}: {ours[0]} against {name} failed: {type(error).__name__}: {error}')
                    continue
                rows.append(Comparison(f'videos {kind}', ours[0], name, *times))
                speeds = ', '.join(f'{side} {1000 / ms:.1f}' for side, ms in zip((ours[0], name), times, strict=True))
                print(f'{kind}, clips/s: {speeds}')
    return rows
