"""Train small models with and without LS-DFN on generated data, and print the tables of the documentation.

    python tools/experiments/lsdfn.py [--tasks segmentation flow detection] [--seeds 0 1 2] [--work-dir work_dirs/lsdfn]

Segmentation: an FCN on ordinary scenes and on scenes with thin objects, plain and with LS-DFN. Flow: FlowNetS
on pairs with large displacements, plain and with LS-DFN. Detection, for which mmdet must be installed: FCOS on single
frames of videos, likewise. Every model has the same steps, data and seeds. Results are kept in the work folder: a
second call resumes where the first one stopped.
"""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmvidext.datasets.atomic_write import atomic_write_text

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Model:
    """One row of a table."""

    name: str
    config: str


@dataclass(frozen=True)
class Task:
    """One table: models, the data sets they meet, and what is measured."""

    name: str
    metric: str
    steps: int
    data: dict[str, list[str]]  # arguments of tools/data/make_synthetic.py for each data set
    models: tuple[Model, ...]
    frame_size: tuple[int, int] | None = None  # width and height of its frames, where the configs' are others


_SCENES = ['cityscapes', '--train', '240', '--val', '60', '--frames', '1']
SEGMENTATION = Task(
    name='segmentation',
    metric='mIoU',
    steps=800,
    data={
        'ordinary scenes': [*_SCENES, '--objects', '6'],
        'thin objects': [*_SCENES, '--objects', '3', '--thin-objects', '8'],
    },
    models=(
        Model('FCN', 'demo/fcn_r18_demo.py'),
        Model('FCN + LS-DFN', 'demo/lsdfn_fcn_r18_demo.py'),
    ),
)
_PAIRS = ['flying-chairs', '--train', '800', '--val', '80']
FLOW = Task(
    name='flow',
    metric='flow/EPE',
    steps=1500,
    data={
        'large displacements': [*_PAIRS, '--size', '160x112', '--max-displacement', '20'],
    },
    models=(
        Model('FlowNetS', 'demo/flownets_demo.py'),
        Model('FlowNetS + LS-DFN', 'demo/lsdfn_flownets_demo.py'),
    ),
)
DETECTION = Task(
    name='detection',
    metric='vid/mAP',
    steps=500,
    data={
        'videos': ['imagenet-vid', '--train', '160', '--max-displacement', '12', '--objects', '4'],
    },
    frame_size=(128, 96),
    models=(
        Model('FCOS', 'demo/fcos_r18_vid_demo.py'),
        Model('FCOS + LS-DFN', 'demo/lsdfn_fcos_r18_vid_demo.py'),
    ),
)
TASKS = {task.name: task for task in (SEGMENTATION, FLOW, DETECTION)}


def make_data(arguments: list[str], folder: Path) -> None:
    """Generate a data set; what exists already is kept."""
    script = ROOT / 'tools' / 'data' / 'make_synthetic.py'
    data_format, *options = arguments
    subprocess.run([sys.executable, str(script), data_format, str(folder), *options, '--seed', '0'], check=True)


def make_config(task: Task, model: Model, data: Path, seed: int, work_dir: Path) -> Config:
    """Return the model's config for one run."""
    config = Config.fromfile(ROOT / 'configs' / model.config)
    changes: dict[str, Any] = {
        'work_dir': str(work_dir),
        'randomness': dict(seed=seed),
        'train_cfg.max_iters': task.steps,
        'train_cfg.val_begin': task.steps + 1,  # it is evaluated after the training, once
        'default_hooks.checkpoint.interval': task.steps,
    }
    config.merge_from_dict(changes)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(data)
        for transform in loader.dataset.pipeline:
            if task.frame_size and transform.type == 'Resize':
                transform.scale = task.frame_size
    for schedule in config.param_scheduler:
        if schedule.end > task.steps or schedule is config.param_scheduler[-1]:
            schedule.end = task.steps
    return config


def run_once(task: Task, model: Model, data: Path, seed: int, work_dir: Path) -> dict[str, float]:
    """Train and evaluate once, or read what an earlier call found."""
    result = work_dir / 'metrics.json'
    if not result.exists():
        runner = Runner.from_cfg(make_config(task, model, data, seed, work_dir))
        runner.train()
        metrics = runner.val_loop.run()
        atomic_write_text(result, json.dumps({name: float(value) for name, value in metrics.items()}) + '\n')
    return json.loads(result.read_text())


def format_cell(values: list[float]) -> str:
    """Mean and spread, and every single value."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f'{statistics.mean(values):.2f} +- {spread:.2f} ({", ".join(f"{value:.2f}" for value in values)})'


def print_table(task: Task, results: dict[tuple[str, str], list[float]], seeds: list[int]) -> None:
    print(f'\n{task.name}: {task.metric}, {task.steps} steps, seeds {seeds}: mean +- standard deviation (each seed)\n')
    print(f'| model | {" | ".join(task.data)} |')
    print(f'|---|{"---|" * len(task.data)}')
    for model in task.models:
        cells = [format_cell(results[model.name, name]) for name in task.data]
        print(f'| {model.name} | {" | ".join(cells)} |', flush=True)


def run_task(task: Task, seeds: list[int], work_dir: Path) -> None:
    folders = {name: work_dir / 'data' / name.replace(' ', '_') for name in task.data}
    for name, arguments in task.data.items():
        make_data(arguments, folders[name])
    results: dict[tuple[str, str], list[float]] = {}
    for seed in seeds:  # the whole table for one seed first: a broken run shows early
        for name in task.data:
            for model in task.models:
                folder = work_dir / task.name / name.replace(' ', '_') / model.name.replace(' ', '') / f'seed{seed}'
                metrics = run_once(task, model, folders[name], seed, folder)
                results.setdefault((model.name, name), []).append(metrics[task.metric])
    print_table(task, results, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tasks', nargs='+', choices=list(TASKS), default=[SEGMENTATION.name, FLOW.name])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/lsdfn'))
    args = parser.parse_args()
    for name in args.tasks:
        run_task(TASKS[name], args.seeds, args.work_dir)


if __name__ == '__main__':
    main()
