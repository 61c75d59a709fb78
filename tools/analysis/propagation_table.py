"""Train and compare ways of propagation on generated scenes, from nothing, with one command.

    python tools/analysis/propagation_table.py [--seeds 0 1 2] [--work-dirs work_dirs/propagation]

It generates FlyingChairs-format pairs and Cityscapes-format clips and trains the flow network. Then, for each seed, it
trains the frame-by-frame segmentor and goes on from it for equally many iterations in each way (configs/demo/): frame
by frame, and the variants of Deep Feature Flow. Each is evaluated at the distances 0, 1, 5 and 9 from its key frame.
What is there already is not made again: a second call resumes, and the folder of a config is deleted to train it anew.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmvidext.apis.weights import load_for_inference

ROOT = Path(__file__).resolve().parents[2]
DATA = {
    'data/synthetic_chairs': 'flying-chairs --train 1600',
    'data/synthetic_cityscapes': 'cityscapes --train 240 --val 60 --frames 20 --thin-objects 1',
}
DISTANCES = (0, 1, 5, 9)
FLOW, FRAMES, COPY = 'flownets_demo', 'pspnet_r18_demo', 'dff_pspnet_r18_copy_demo'
VARIANTS = {
    'Deep Feature Flow': 'dff_pspnet_r18_demo',
    'Deep Feature Flow, flow network fixed': 'dff_pspnet_r18_fixed_flow_demo',
    'logits propagated': 'dff_pspnet_r18_logits_demo',
}
Scores = list[list[float]]  # mIoU at each distance, of each seed


def load(name: str, work_dirs: Path, seed: int) -> Config:
    """Read a config of the comparison; it starts from the networks that the same seed trained."""
    config = Config.fromfile(ROOT / 'configs' / 'demo' / f'{name}.py')
    config.work_dir = str(work_dirs / f'seed_{seed}' / name)
    config.randomness = dict(seed=seed)
    if 'segmentor' in config.model:
        config.model.segmentor.init_cfg.checkpoint = str(checkpoint(FRAMES, work_dirs, seed))
        if 'init_cfg' in config.model.flow_net:
            config.model.flow_net.init_cfg.checkpoint = str(checkpoint(FLOW, work_dirs, 0))
    return config


def checkpoint(name: str, work_dirs: Path, seed: int) -> Path:
    """Return where a config's last checkpoint is."""
    max_iters = Config.fromfile(ROOT / 'configs' / 'demo' / f'{name}.py').train_cfg.max_iters
    return work_dirs / f'seed_{seed}' / name / f'iter_{max_iters}.pth'


def train(name: str, work_dirs: Path, seed: int) -> None:
    """Train a config, unless its last checkpoint is there."""
    if checkpoint(name, work_dirs, seed).exists():
        return
    start = time.perf_counter()
    Runner.from_cfg(load(name, work_dirs, seed)).train()
    print(f'{name}, seed {seed}: trained in {(time.perf_counter() - start) / 60:.1f} min', flush=True)


def evaluate(name: str, work_dirs: Path, seed: int) -> list[float]:
    """Return the mIoU at each distance; it is kept beside the checkpoint."""
    weights = checkpoint(name, work_dirs, seed)
    kept = weights.with_name('distances.json')
    if not kept.exists():
        runner = Runner.from_cfg(load(name, work_dirs, seed))
        load_for_inference(runner.model, weights)
        metrics = runner.test()
        kept.write_text(json.dumps([float(metrics[f'mIoU@{distance}']) for distance in DISTANCES]))
    return json.loads(kept.read_text())


def collect(work_dirs: Path, seeds: list[int]) -> dict[str, Scores]:
    """Evaluate everything."""
    copied = [evaluate(COPY, work_dirs, seed) for seed in seeds]
    rows = {'frame by frame (no propagation)': [scores[:1] * len(DISTANCES) for scores in copied]}
    for title, name in VARIANTS.items():
        rows[title] = [evaluate(name, work_dirs, seed) for seed in seeds]
    return {**rows, "the key frame's labels copied": copied}


def format_table(rows: dict[str, Scores]) -> str:
    """Write mean and standard deviation over the seeds."""

    def cell(scores: tuple[float, ...]) -> str:
        spread = f' ± {statistics.stdev(scores):.2f}' if len(scores) > 1 else ''
        return f'{statistics.mean(scores):.2f}{spread}'

    head = ' | '.join(f'distance {distance}' for distance in DISTANCES)
    lines = [f'| mIoU at | {head} |', '|---|' + '---:|' * len(DISTANCES)]
    for title, scores in rows.items():
        lines.append(f'| {title} | ' + ' | '.join(cell(column) for column in zip(*scores, strict=True)) + ' |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='(default: %(default)s)')
    parser.add_argument('--work-dirs', type=Path, default=Path('work_dirs/propagation'), help='(default: %(default)s)')
    args = parser.parse_args()
    start = time.perf_counter()
    for folder, arguments in DATA.items():
        if not Path(folder).exists():
            data_format, *options = arguments.split()
            command = [sys.executable, ROOT / 'tools/data/make_synthetic.py', data_format, folder, *options]
            subprocess.run(command, check=True)
    train(FLOW, args.work_dirs, 0)
    for seed in args.seeds:
        for name in (FRAMES, COPY, *VARIANTS.values()):
            train(name, args.work_dirs, seed)
    table = format_table(collect(args.work_dirs, args.seeds))
    out = args.work_dirs / 'table.md'
    out.write_text(table + '\n')
    print(f'\n{table}\n\n{(time.perf_counter() - start) / 60:.1f} min; written to {out}')


if __name__ == '__main__':
    main()
