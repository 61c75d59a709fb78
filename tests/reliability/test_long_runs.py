"""The memory of training and streaming does not grow.

Longer, with a table of the memory: ``python -m tests.reliability.test_long_runs 2000``.
"""

import gc
import multiprocessing
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

pytest.importorskip('mmaction')

from mmvidext.apis import OnlineRecognizer
from mmvidext.datasets.sthv2_preparation import prepare_sthv2
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from tests.apis.online_config import online_config

ROOT = Path(__file__).resolve().parents[2]


@MODELS.register_module()
class TinyFrames(nn.Sequential):
    """A backbone of one convolution, for the frames of a clip."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU())


class Meter:
    """Memory of this process in MiB, and the number of living objects by type, at steps of a run."""

    def __init__(self):
        self.rows = []

    def read(self, step):
        gc.collect()
        pages = int(Path('/proc/self/statm').read_text().split()[1])
        self.rows.append((step, pages * 4096 / 2**20, Counter(type(o).__name__ for o in gc.get_objects())))

    def growth(self):
        """Return the MiB gained after the second reading, and the types that grow by one object in two steps."""
        (first, before, objects_before), (last, after, objects_after) = self.rows[1], self.rows[-1]
        more = {name: count for name, count in (objects_after - objects_before).items() if count >= (last - first) / 2}
        return after - before, more


def train(folder, iterations, meter):
    write_sthv2(folder / 'data', num_train=8, num_val=2, size=(32, 32), num_frames=8, travel_only=True)
    prepare_sthv2(folder / 'data', workers=0)
    cfg = Config.fromfile(ROOT / 'configs/demo/ms_tsm_r18_demo.py')
    loader = cfg.train_dataloader
    loader.update(batch_size=1, num_workers=0, persistent_workers=False)
    loader.sampler = dict(type='InfiniteSampler')
    loader.dataset.ann_file = str(folder / 'data/sthv2_train_list_videos.txt')
    loader.dataset.data_prefix.video = str(folder / 'data/videos')
    for step in loader.dataset.pipeline:
        if 'scale' in step:
            step.scale = (32, 32)
    cfg.model.backbone = dict(type='mmengine.TinyFrames')
    cfg.model.cls_head.in_channels = 8
    cfg.custom_hooks = []
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations + 1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = cfg.param_scheduler = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=iterations // 4, save_best=None)
    cfg.work_dir = str(folder / 'work')

    class Read(Hook):
        priority = 'LOWEST'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if (batch_idx + 1) % (iterations // 4) == 0:
                meter.read(batch_idx + 1)

    runner = Runner.from_cfg(cfg)
    runner.register_hook(Read())
    runner.train()


def recognize(folder, frames, meter):
    recognizer = OnlineRecognizer(online_config())
    stream(recognizer.step, frames, meter)


def segment(folder, frames, meter):
    pytest.importorskip('mmseg')
    from tests.apis.test_video_segmentor import make

    stream(make(interval=5).step, frames, meter)


def stream(step, frames, meter):
    generator = np.random.default_rng(0)
    for number in range(1, frames + 1):
        step(generator.integers(0, 256, (48, 96, 3), dtype=np.uint8))
        if number % (frames // 4) == 0:
            meter.read(number)


@pytest.mark.parametrize(('run', 'steps'), [(train, 200), (recognize, 120), (segment, 200)])
def test_memory_does_not_grow(run, steps, tmp_path):
    meter = Meter()
    run(tmp_path, steps, meter)
    mebibytes, more = meter.growth()
    assert more == {}
    assert mebibytes < 20


def find_a_leak():
    meter, kept = Meter(), []

    def leak(frame):
        kept.append([torch.ones(200_000), {}])

    stream(leak, 400, meter)
    mebibytes, more = meter.growth()
    assert more['Tensor'] == 200
    assert mebibytes > 20


def test_a_leak_is_found():
    """In a new process: one that ran other tests may hold enough free memory to leak into."""
    process = multiprocessing.get_context('spawn').Process(target=find_a_leak)
    process.start()
    process.join(100)
    assert process.exitcode == 0


if __name__ == '__main__':
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel('ERROR')
    for run in (train, recognize, segment):
        meter = Meter()
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), int(sys.argv[1]), meter)
        print(
            run.__name__, [(step, f'{memory:.0f} MiB', sum(objects.values())) for step, memory, objects in meter.rows]
        )
