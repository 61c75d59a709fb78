"""Time an iteration of training with the hooks that keep a run from being lost, and without, on batches of a config.

The model, its optimizer and its hooks are those of the config; the batches hold random numbers, so no data is needed.
The hooks are ExactResumeHook, NonFiniteHook and BadFilesHook. Besides the two sides, the time inside of the calls of
each hook is added up and printed: its share is far below what two sides of a busy machine differ by.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from benchmarks.timing import Comparison, time_alternately
from mmengine.config import Config
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch.utils.data import Dataset

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'demo' / 'tsm_r18_camera_demo.py'
OURS = ('ExactResumeHook', 'TrainingStateHook', 'NonFiniteHook', 'BadFilesHook')


@DATASETS.register_module()
class RandomClips(Dataset[Any]):
    """Clips of random numbers, ``(T, 3, H, W)`` each."""

    metainfo: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, shape: tuple[int, ...], count: int) -> None:
        from mmaction.structures import ActionDataSample

        self.clip = torch.randint(0, 256, shape, dtype=torch.uint8)
        self.sample, self.count = ActionDataSample().set_gt_label(0), count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(inputs=self.clip, data_samples=self.sample)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default=str(CONFIG), help='(default: %(default)s)')
    parser.add_argument('--clip', default='8x3x36x48', help='shape of a clip: TxCxHxW (default: %(default)s)')
    parser.add_argument('--batch', type=int, default=16, help='clips of a batch (default: %(default)s)')
    parser.add_argument('--iterations', type=int, help='of a timed call (default: 1, and 20 on a GPU)')


def build(args: argparse.Namespace, folder: str, *, protected: bool) -> tuple[Runner, dict[str, float]]:
    """Return a runner of the config that is about to train on random clips, and what :func:`count_time` will count."""
    cfg = Config.fromfile(args.config)
    shape = tuple(map(int, args.clip.split('x')))
    cfg.train_dataloader.update(dict(num_workers=0, persistent_workers=False, batch_size=args.batch))
    cfg.train_dataloader.dataset = dict(type='mmengine.RandomClips', shape=shape, count=10 * args.batch)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = cfg.test_cfg = None
    cfg.test_dataloader = cfg.test_evaluator = None
    cfg.work_dir, cfg.log_level, cfg.experiment_name = folder, 'ERROR', Path(folder).name
    cfg.visualizer.vis_backends = []
    cfg.custom_hooks = [dict(type='mmvidext.ExactResumeHook'), dict(type='mmvidext.BadFilesHook')] if protected else []
    if not protected:
        cfg.default_hooks.pop('non_finite', None)
    runner = Runner.from_cfg(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.optim_wrapper.initialize_count_status(runner.model, 0, 10**6)
    runner.param_schedulers = None
    runner._init_model_weights()
    runner.call_hook('before_run')
    spent = count_time(runner)
    runner.call_hook('before_train')
    runner.call_hook('before_train_epoch')
    runner.model.train()
    return runner, spent


def count_time(runner: Runner) -> dict[str, float]:
    """Add up from now on the processor time inside of our hooks, in milliseconds by their names."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            begin = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[name] += 1e3 * (time.process_time() - begin)

        return call

    for hook in runner.hooks:
        name = type(hook).__name__
        if name in OURS:
            for method in (
                'before_train_iter',
                'after_train_iter',
                '_before_forward',
                '_after_forward',
                '_before_step',
            ):
                if hasattr(hook, method):
                    setattr(hook, method, timed(name, getattr(hook, method)))
    return spent


def iterate(runner: Runner, batch: Any, count: int) -> None:
    """Train on the same batch again and again."""
    for number in range(count):
        runner.train_loop.run_iter(number, batch)


def run(args: argparse.Namespace) -> list[Comparison]:
    """Iterate on both sides alternately."""
    from mmaction.utils import register_all_modules

    import mmvidext

    register_all_modules()
    print(f'mmvidext {mmvidext.__version__}, {args.config}')
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        protected, spent = build(args, one, protected=True)
        plain, _ = build(args, other, protected=False)
        # on a GPU an iteration begins before the last one has ended: one alone does not show what waiting costs
        count = args.iterations or (1 if args.device == 'cpu' else 20)
        sides = [partial(iterate, runner, next(iter(runner.train_dataloader)), count) for runner in (protected, plain)]
        time_alternately(*sides, rounds=2, warmup=0)  # not counted
        spent.clear()
        with_hooks, without = (ms / count for ms in time_alternately(*sides, rounds=args.rounds, warmup=0))
    inside = {name: ms / args.rounds / count for name, ms in spent.items()}
    for name, ms in sorted(inside.items()):
        print(f'inside {name}: {ms:.3f} ms an iteration')
    print(f'inside all of them: {sum(inside.values()):.3f} ms, {sum(inside.values()) / with_hooks:.2%} of an iteration')
    return [Comparison('iteration', 'with the hooks', 'without', with_hooks, without)]
