"""Train several configs alike and print one table: accuracy, loss, parameters, multiply-adds, time per clip.

    python tools/data/make_synthetic.py sthv2 data/camera_turns --camera --train 1600 --val 160 --size 64x48
    python tools/data/prepare_sthv2.py data/camera_turns
    python tools/analysis/compare_backbones.py [CONFIG ...] [--work-dir DIR] [--cfg-options KEY=VALUE ...]

Each config is trained by tools/train.py, unless DIR holds a finished run of it already. Multiply-adds and time are of
one clip through the whole model, as large as the config's validation pipeline makes it. Clips are timed alternately,
so that a disturbance hits all models alike.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch.utils.flop_counter import FlopCounterMode

from mmvidext.apis.recognizer_loading import build_recognizer
from mmvidext.cli.config import load_config
from mmvidext.datasets.atomic_write import atomic_write_text

ROOT = Path(__file__).resolve().parents[2]
MODELS = ('f_r2d', 'mc3', 'rmc3', 'r3d', 'r2plus1d', 'tsm', 'tin', 'ms_tsm')
DEFAULT = tuple(f'configs/demo/{name}_r18_camera_demo.py' for name in MODELS)


@dataclass
class Row:
    """One model of the table."""

    name: str
    accuracy: float
    first_loss: float
    last_loss: float
    parameters: float
    multiply_adds: float
    milliseconds: float = 0.0


def train(config: Path, work_dir: Path, options: list[str]) -> None:
    """Train a config unless it is done, with these options."""
    done = work_dir / 'finished'
    if done.is_file():
        before = done.read_text().splitlines()
        if before != options:
            raise SystemExit(
                f'error: {work_dir} holds a run with other --cfg-options ({" ".join(before)}): name a new --work-dir'
            )
        return
    script = str(ROOT / 'tools/train.py')
    command = [sys.executable, script, str(config), '--work-dir', str(work_dir), '--seed', '0']
    subprocess.run(command + (['--cfg-options', *options] if options else []), check=True)
    atomic_write_text(done, '\n'.join(options))


def read_log(work_dir: Path) -> tuple[float, float, float]:
    """Return the last top-1 accuracy in percent, and the mean training loss of the first and of the last epoch.

    They are those of the last run: an earlier one was interrupted.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))[-1:]
    entries = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    accuracies = [entry['acc/top1'] for entry in entries if 'acc/top1' in entry]
    losses: dict[int, list[float]] = {}
    for entry in entries:
        if 'loss' in entry:
            losses.setdefault(entry['epoch'], []).append(entry['loss'])
    if not accuracies or not losses:
        raise SystemExit(f'error: {work_dir} holds no validation result, or no loss')
    first, last = (statistics.mean(losses[epoch]) for epoch in (min(losses), max(losses)))
    return 100 * accuracies[-1], first, last


def make_clip(config: Config) -> torch.Tensor:
    """Return one random clip of the size that the validation pipeline ends with, as the recognizer takes it."""
    steps = {step.type: step for step in config.val_dataloader.dataset.pipeline}
    width, height = steps['Resize'].scale
    sample = steps.get('UniformSample') or steps['SampleFrames']
    frames = sample.get('clip_len', 1) * sample.get('num_clips', 1)
    if steps['FormatShape'].input_format == 'NCTHW':
        return torch.randn(1, 1, 3, frames, height, width)
    return torch.randn(1, frames, 3, height, width)


@torch.no_grad()
def classify(model: Any, clip: torch.Tensor) -> torch.Tensor:
    features, options = model.extract_feat(clip)
    return model.cls_head(features, **{**options, 'num_segs': clip.shape[1]})


def measure(configs: list[Path], options: list[str], work_dir: Path, rounds: int) -> list[Row]:
    """Count and time every model, as it was trained."""
    rows, calls = [], []
    for path in configs:
        config = load_config(path, options)
        model, clip = build_recognizer(config).eval(), make_clip(config)
        with FlopCounterMode(display=False) as counter:
            classify(model, clip)
        accuracy, first_loss, last_loss = read_log(work_dir / path.stem)
        rows.append(
            Row(
                name=path.stem,
                accuracy=accuracy,
                first_loss=first_loss,
                last_loss=last_loss,
                parameters=sum(parameter.numel() for parameter in model.parameters()) / 1e6,
                multiply_adds=counter.get_total_flops() / 2e9,
            )
        )
        calls.append((model, clip))
    times: list[list[float]] = [[] for _ in rows]
    for _ in range(rounds):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            classify(*call)
            times[index].append(time.perf_counter() - start)
    for row, seconds in zip(rows, times, strict=True):
        row.milliseconds = 1000 * statistics.median(seconds)
    return rows


def format_table(rows: list[Row]) -> str:
    lines = [
        '| config | top-1, % | loss, first epoch | last epoch | parameters, M | multiply-adds, G | ms per clip |',
        '|---|---:|---:|---:|---:|---:|---:|',
    ]
    lines += [
        f'| `{row.name}` | {row.accuracy:.1f} | {row.first_loss:.2f} | {row.last_loss:.2f} '
        f'| {row.parameters:.1f} | {row.multiply_adds:.3f} | {row.milliseconds:.1f} |'
        for row in rows
    ]
    return '\n'.join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', type=Path, nargs='*', metavar='CONFIG', help='default: the eight of the docs')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/compare_backbones', help='(default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=30, help='timed clips of each model (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='for every config')
    return parser


def main() -> None:
    args = build_parser().parse_args()
    configs = args.configs or [ROOT / name for name in DEFAULT]
    for number, path in enumerate(configs, start=1):
        print(f'[{number}/{len(configs)}] {path.stem}', flush=True)
        train(path, args.work_dir / path.stem, args.cfg_options)
    print('\n' + format_table(measure(configs, args.cfg_options, args.work_dir, args.rounds)))


if __name__ == '__main__':
    main()
