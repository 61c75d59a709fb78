"""Train and compare ways of propagation on generated scenes, from nothing, with one command.

    python tools/analysis/propagation_table.py [--work-dirs work_dirs] [--out work_dirs/propagation.md]

It generates FlyingChairs-format pairs and Cityscapes-format clips, trains the flow network, the frame-by-frame
segmentor and the variants of Deep Feature Flow (configs/demo/), and evaluates each at the distances 0, 1, 5 and 9
from its key frame. What is there already is not made again: delete the work folder of a config to train it anew.
"""

import argparse
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


def load(name: str, work_dirs: Path) -> Config:
    config = Config.fromfile(ROOT / 'configs' / 'demo' / f'{name}.py')
    config.work_dir = str(work_dirs / name)
    config.randomness = dict(seed=0)
    return config


def checkpoint(name: str, work_dirs: Path) -> Path:
    return work_dirs / name / f'iter_{load(name, work_dirs).train_cfg.max_iters}.pth'


def train(name: str, work_dirs: Path) -> None:
    """Train a config, unless its last checkpoint is there."""
    if checkpoint(name, work_dirs).exists():
        return
    start = time.perf_counter()
    Runner.from_cfg(load(name, work_dirs)).train()
    print(f'{name}: trained in {(time.perf_counter() - start) / 60:.1f} min', flush=True)


def evaluate(name: str, weights: Path, work_dirs: Path) -> dict[str, float]:
    """Test a config with the given weights; return the metrics."""
    config = load(name, work_dirs)
    runner = Runner.from_cfg(config)
    load_for_inference(runner.model, weights)
    return runner.test()


def collect(work_dirs: Path) -> list[tuple[str, list[float]]]:
    """Evaluate everything; a row is a name and the mIoU at each distance."""
    framewise = evaluate(FRAMES, checkpoint(FRAMES, work_dirs), work_dirs)['mIoU']
    rows = [('frame by frame (upper bound)', [framewise] * len(DISTANCES))]
    tests = [(title, name, checkpoint(name, work_dirs)) for title, name in VARIANTS.items()]
    tests.append(("the key frame's labels copied", COPY, checkpoint(FRAMES, work_dirs)))
    for title, name, weights in tests:
        metrics = evaluate(name, weights, work_dirs)
        rows.append((title, [metrics[f'mIoU@{distance}'] for distance in DISTANCES]))
    return rows


def format_table(rows: list[tuple[str, list[float]]]) -> str:
    head = ' | '.join(f'distance {distance}' for distance in DISTANCES)
    lines = [f'| mIoU at | {head} |', '|---|' + '---:|' * len(DISTANCES)]
    lines += [f'| {title} | ' + ' | '.join(f'{score:.2f}' for score in scores) + ' |' for title, scores in rows]
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work-dirs', type=Path, default=Path('work_dirs'), help='(default: %(default)s)')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/propagation.md'), help='(default: %(default)s)')
    args = parser.parse_args()
    start = time.perf_counter()
    for folder, arguments in DATA.items():
        if not Path(folder).exists():
            data_format, *options = arguments.split()
            command = [sys.executable, ROOT / 'tools/data/make_synthetic.py', data_format, folder, *options]
            subprocess.run(command, check=True)
    for name in (FLOW, FRAMES, *VARIANTS.values()):
        train(name, args.work_dirs)
    table = format_table(collect(args.work_dirs))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(table + '\n')
    print(f'\n{table}\n\n{(time.perf_counter() - start) / 60:.1f} min; written to {args.out}')


if __name__ == '__main__':
    main()
