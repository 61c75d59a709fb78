"""Train and compare ways of propagation on generated scenes, from scratch, with one command.

    python tools/analysis/propagation_table.py [segmentation|detection] [--seeds 0 1 2] [--test-data FOLDER]

It generates FlyingChairs-format pairs, and clips in the format of Cityscapes or ImageNet VID, and trains the flow
network. Then, for each seed, it trains the frame-by-frame segmentor or detector, and from it each way, all of them for
equally many iterations (configs/demo/): frame by frame, variants of Deep Feature Flow, and what was found on the key
frame copied. Each is evaluated at the distances 0, 1, 5 and 9 from its key frame.
What is there already is not made again: a second call resumes, and the folder of a config is deleted to train it anew.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmvidext.apis.weights import load_for_inference
from mmvidext.datasets.atomic_write import atomic_write_text

ROOT = Path(__file__).resolve().parents[2]
DISTANCES = (0, 1, 5, 9)


@dataclass(frozen=True)
class Task:
    """What is compared: names of configs in configs/demo.

    Attributes:
        data: Folders and how they are generated.
        flow: The flow network.
        flow_iterations: Of its training.
        inner: The model inside of Deep Feature Flow, as its config has it.
        metric: Its name in front of the distance; and how the table calls it.
        frames: The frame-by-frame model that every way starts from.
        copy: The way without propagation.
        ways: Those with it.
        iterations: Of the frame-by-frame model, unless another number is asked for.
        way_iterations: Of each way from there on, likewise.
    """

    data: dict[str, str]
    flow: str
    flow_iterations: int
    inner: str
    metric: tuple[str, str]
    frames: str
    copy: str
    ways: dict[str, str]
    iterations: int
    way_iterations: int


SEGMENTATION = Task(
    data={
        'data/synthetic_chairs': 'flying-chairs --train 1600',
        'data/synthetic_cityscapes': 'cityscapes --train 240 --val 60 --frames 20 --thin-objects 1',
    },
    flow='flownets_demo',
    flow_iterations=3000,
    inner='segmentor',
    metric=('mIoU', 'mIoU'),
    frames='pspnet_r18_demo',
    copy='dff_pspnet_r18_copy_demo',
    ways={
        'Deep Feature Flow': 'dff_pspnet_r18_demo',
        'Deep Feature Flow, flow network fixed': 'dff_pspnet_r18_fixed_flow_demo',
        'logits propagated': 'dff_pspnet_r18_logits_demo',
    },
    iterations=1500,
    way_iterations=1500,
)
DETECTION = Task(
    data={
        'data/synthetic_small_pairs': 'flying-chairs --train 2000 --size 96x72 --max-displacement 8',
        'data/synthetic_vid': 'imagenet-vid --train 240 --val 60 --size 192x144 --objects 1 --max-displacement 16 '
        '--keep-in-view',
    },
    flow='flownets_vid_demo',
    flow_iterations=10000,
    inner='detector',
    metric=('vid/mAP', 'AP'),
    frames='fcos_r18_vid_demo',
    copy='dff_fcos_r18_vid_copy_demo',
    ways={
        'Deep Feature Flow': 'dff_fcos_r18_vid_demo',
        'Deep Feature Flow, flow network fixed': 'dff_fcos_r18_vid_fixed_flow_demo',
    },
    iterations=2000,
    way_iterations=3000,
)
TASKS = {'segmentation': SEGMENTATION, 'detection': DETECTION}
Scores = list[list[float]]  # the metric at each distance, of each seed


@dataclass(frozen=True)
class Comparison:
    """One seed of the comparison.

    Attributes:
        task: What is compared.
        work_dirs: Where all seeds are kept.
        seed: Of the frame-by-frame model and of every way; all seeds share one flow network.
        iterations: Of every model but the flow network; by default what the task has for each.
        test_data: Folder in the same layout whose validation videos to evaluate on.
    """

    task: Task
    work_dirs: Path
    seed: int
    iterations: int | None = None
    test_data: Path | None = None

    def load(self, name: str) -> Config:
        """Read a config; it starts from the networks that are trained before it."""
        config = Config.fromfile(ROOT / 'configs' / 'demo' / f'{name}.py')
        config.work_dir = str(self.checkpoint(name).parent)
        config.randomness = dict(seed=self.seed)
        _shorten(config, self.length(name))
        if self.test_data:
            config.test_dataloader.dataset.data_root = str(self.test_data)
        if self.task.inner in config.model:
            config.model[self.task.inner].init_cfg.checkpoint = str(self.checkpoint(self.task.frames))
            if 'init_cfg' in config.model.flow_net:
                config.model.flow_net.init_cfg.checkpoint = str(self.checkpoint(self.task.flow))
        return config

    def length(self, name: str) -> int:
        """Return for how many iterations a config is trained."""
        if name == self.task.flow:
            return self.task.flow_iterations
        return self.iterations or (self.task.iterations if name == self.task.frames else self.task.way_iterations)

    def checkpoint(self, name: str) -> Path:
        """Return where a config's last checkpoint is."""
        folder = self.work_dirs if name == self.task.flow else self.work_dirs / f'seed_{self.seed}'
        return folder / name / f'iter_{self.length(name)}.pth'

    def train(self, name: str) -> None:
        """Train a config, unless its last checkpoint is there."""
        if self.checkpoint(name).exists():
            return
        start = time.perf_counter()
        Runner.from_cfg(self.load(name)).train()
        print(f'{name}, seed {self.seed}: trained in {(time.perf_counter() - start) / 60:.1f} min', flush=True)

    def evaluate(self, name: str) -> list[float]:
        """Return the metric at each distance; on the validation videos, it is kept beside the checkpoint."""
        weights = self.checkpoint(name)
        kept = weights.with_suffix('.json')
        if kept.exists() and not self.test_data:
            return json.loads(kept.read_text())
        runner = Runner.from_cfg(self.load(name))
        load_for_inference(runner.model, weights)
        metrics = runner.test()
        scores = [float(metrics[f'{self.task.metric[0]}@{distance}']) for distance in DISTANCES]
        if not self.test_data:
            atomic_write_text(kept, json.dumps(scores))
        return scores


def _shorten(config: Config, iterations: int) -> None:
    """Let a schedule end and save after so many iterations; all is evaluated in the end, and not before."""
    config.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
    config.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
    config.param_scheduler[-1].end = iterations
    config.default_hooks.checkpoint.update(type='mmvidext.CheckpointHook', interval=iterations)  # whole, or not there


def collect(comparisons: list[Comparison]) -> dict[str, Scores]:
    """Evaluate everything."""
    task = comparisons[0].task
    copied = [comparison.evaluate(task.copy) for comparison in comparisons]
    rows = {'frame by frame': [scores[:1] * len(DISTANCES) for scores in copied]}
    for title, name in task.ways.items():
        rows[title] = [comparison.evaluate(name) for comparison in comparisons]
    return {**rows, "the key frame's result copied": copied}


def compare(rows: dict[str, Scores]) -> dict[str, Scores]:
    """Subtract the first row from the others, seed by seed: how good a seed is as a whole cancels out."""
    reference, *others = rows
    return {
        f'{title}, minus {reference}': [
            [score - base for score, base in zip(scores, bases, strict=True)]
            for scores, bases in zip(rows[title], rows[reference], strict=True)
        ]
        for title in others
    }


def format_table(rows: dict[str, Scores], metric: str = 'mIoU') -> str:
    """Write mean and standard deviation over the seeds."""

    def cell(scores: tuple[float, ...]) -> str:
        spread = f' ± {statistics.stdev(scores):.2f}' if len(scores) > 1 else ''
        return f'{statistics.mean(scores):.2f}{spread}'

    head = ' | '.join(f'distance {distance}' for distance in DISTANCES)
    lines = [f'| {metric} at | {head} |', '|---|' + '---:|' * len(DISTANCES)]
    for title, scores in rows.items():
        lines.append(f'| {title} | ' + ' | '.join(cell(column) for column in zip(*scores, strict=True)) + ' |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', nargs='?', choices=TASKS, default='segmentation', help='(default: %(default)s)')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='(default: %(default)s)')
    parser.add_argument(
        '--iterations',
        type=int,
        help='of the frame-by-frame model, and again of each way (default: '
        + ', '.join(f'{task.iterations} and {task.way_iterations} for {name}' for name, task in TASKS.items())
        + ')',
    )
    parser.add_argument(
        '--test-data', type=Path, metavar='FOLDER', help='evaluate on the validation videos of this folder instead'
    )
    parser.add_argument('--work-dirs', type=Path, help='(default: work_dirs/propagation/TASK)')
    args = parser.parse_args()
    task = TASKS[args.task]
    work_dirs = args.work_dirs or Path('work_dirs/propagation') / args.task
    start = time.perf_counter()
    for folder, arguments in task.data.items():
        data_format, *options = arguments.split()
        command = [sys.executable, ROOT / 'tools/data/make_synthetic.py', data_format, folder, *options]
        subprocess.run(command, check=True)  # adds what is missing
    comparisons = [Comparison(task, work_dirs, seed, args.iterations, args.test_data) for seed in args.seeds]
    for comparison in comparisons:
        for name in (task.flow, task.frames, task.copy, *task.ways.values()):
            comparison.train(name)
    rows = collect(comparisons)
    table = '\n\n'.join(format_table(part, task.metric[1]) for part in (rows, compare(rows)))
    out = work_dirs / 'table.md'
    atomic_write_text(out, table + '\n')
    print(f'\n{table}\n\n{(time.perf_counter() - start) / 60:.1f} min; written to {out}')


if __name__ == '__main__':
    main()
