"""Processes that hang or die, and signals: what ends ends soon, says why, leaves no process and no broken file.

Real processes and real signals. A process is forked from that of the tests, which has imported everything already.
"""

import json
import multiprocessing
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.apis.frame_sources import open_source
from mmvidext.cli.flow import flow
from mmvidext.cli.segment import segment
from mmvidext.cli.stream import stream
from mmvidext.cli.test import test as test_command
from mmvidext.cli.train import train
from mmvidext.models.flow import FlowEstimator
from tests.apis.online_config import online_config
from tests.apis.test_video_files import write
from tests.cli.test_flow import CONFIG as FLOW_CONFIG
from tests.cli.test_flow import NET as FLOW_NET
from tests.models.segmentors.tiny import fcn
from tests.reliability.stalling_run import KILL, STOP, write_config

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='looks into /proc')
FORK = multiprocessing.get_context('fork')


def run_command(command, arguments, log, prepare=None):
    """Run a command as this process, with its output in a file."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore it
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = sys.stderr = open(1, 'w', buffering=1, closefd=False)  # noqa: SIM115 - for the life of the process
    if prepare:
        prepare()
    command.main([str(argument) for argument in arguments], prog_name='mmvidext')


class Running:
    """A command that runs in a process of its own."""

    def __init__(self, tmp_path, command, *arguments, prepare=None):
        self.log = tmp_path / f'{command.name}.log'
        self.process = FORK.Process(target=run_command, args=(command, arguments, self.log, prepare))
        self.process.start()
        self.pid = self.process.pid

    def end(self, seconds=60):
        """Wait for its end; return the exit code and what it has printed."""
        self.process.join(seconds)
        alive = self.process.is_alive()
        self.process.kill()
        self.process.join()
        output = self.log.read_text()
        assert not alive, f'it hangs:\n{output}'
        return self.process.exitcode, output


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'waited too long'
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def marked(folder):
    """Return the processes that left a mark."""
    return {int(path.name) for path in folder.iterdir()}


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / 'marks'
    folder.mkdir()
    yield folder
    for pid in marked(folder):  # of a test that failed
        if is_running(pid) and pid != os.getpid():
            os.kill(pid, signal.SIGKILL)


class TestWorkers:
    @pytest.mark.parametrize('command', ['train', 'test'])
    def test_one_that_hangs_is_named_and_ended(self, command, tmp_path, marks):
        config, weights = write_config(tmp_path, workers=2, timeout=5, number=STOP, marks=str(marks))
        arguments = (train, config) if command == 'train' else (test_command, config, weights)
        code, output = Running(tmp_path, *arguments).end()
        assert code == 1
        line = output.strip().splitlines()[-1]
        assert line.startswith('Error: no worker delivered a batch in time: DataLoader timed out after 5 seconds')
        assert sum(f'pid {pid} (stopped)' in line for pid in marked(marks)) == 1
        assert 'raise timeout of the dataloader' in line
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)

    def test_one_that_is_stopped_while_its_batch_is_on_the_way_is_named_and_ended(self, tmp_path, marks):
        """It alone can hand over the shared memory of the batch, and who unpacks a batch waits for that for ever."""
        hook = dict(stop_workers=True)
        config, _ = write_config(tmp_path, workers=2, timeout=2, marks=str(marks), hook=hook)
        code, output = Running(tmp_path, train, config).end()
        assert code == 1
        line = output.strip().splitlines()[-1]
        assert any(
            line.startswith(f'Error: worker pid {pid} did not run for 7 seconds (stopped), and was killed')
            for pid in marked(marks)
        ), output
        assert 'raise timeout of the dataloader' in line
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)

    @pytest.mark.parametrize(('timeouts', 'expected'), [((7, 9), 14), ((7, 0), 0), ((), 0)])
    def test_how_long_one_may_be_stopped(self, timeouts, expected):
        from mmvidext.cli.running import _stopped_seconds

        loaders = dict(zip(('train_dataloader', 'test_dataloader'), timeouts, strict=False))
        cfg = Config({name: dict(num_workers=2, timeout=timeout) for name, timeout in loaders.items()})
        assert _stopped_seconds(cfg) == expected

    def test_one_that_is_killed_is_named(self, tmp_path, marks):
        # torch raises the error wherever the run just is; where that is swallowed, the time limit finds it
        config, _ = write_config(tmp_path, workers=2, timeout=5, number=KILL, marks=str(marks))
        code, output = Running(tmp_path, train, config).end()
        assert code == 1
        line = output.strip().splitlines()[-1]
        assert line.startswith('Error: DataLoader worker (pid')
        assert any(str(pid) in line for pid in marked(marks))
        assert 'lower num_workers' in line
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)

    @pytest.mark.parametrize('command', ['train', 'test'])
    @pytest.mark.parametrize(
        ('limit', 'message'),
        [
            (('RLIMIT_FSIZE', 4), 'hand over their batches in /dev/shm, which is full'),  # memory is shared in files
            (('RLIMIT_NOFILE', 10), 'keep a file open for each tensor'),
        ],
    )
    def test_one_that_cannot_hand_over_its_batch_is_an_error(self, command, limit, message, tmp_path):
        """The run waited until the time limit of the loader, and then asked to look at the disk."""
        config, weights = write_config(tmp_path, workers=2, limit=limit)
        arguments = (train, config) if command == 'train' else (test_command, config, weights)
        code, output = Running(tmp_path, *arguments).end()
        assert code == 1
        line = output.strip().splitlines()[-1]
        assert line.startswith('Error: ')
        assert message in line

    @pytest.mark.parametrize(('workers', 'timeout', 'expected'), [(0, None, 0), (2, None, 600), (2, 7, 7)])
    def test_the_time_limit_is_set_unless_the_config_has_one(self, workers, timeout, expected, tmp_path):
        from mmvidext.cli.running import load_run_config

        config, _ = write_config(tmp_path, workers=workers, timeout=timeout)
        common = dict(work_dir=None, seed=None, deterministic=False, cfg_options=(), launcher='none', local_rank=0)
        cfg = load_run_config(str(config), **common)
        assert cfg.train_dataloader.get('timeout', 0) == cfg.test_dataloader.get('timeout', 0) == expected

    def test_deterministic_products_are_allowed_on_a_gpu(self, tmp_path, monkeypatch):
        from mmvidext.cli.running import load_run_config

        config, _ = write_config(tmp_path, workers=0)
        common = dict(work_dir=None, seed=None, cfg_options=(), launcher='none', local_rank=0)
        monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
        load_run_config(str(config), deterministic=False, **common)
        assert 'CUBLAS_WORKSPACE_CONFIG' not in os.environ
        load_run_config(str(config), deterministic=True, **common)
        assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'
        monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':16:8')
        load_run_config(str(config), deterministic=True, **common)
        assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':16:8'

    def test_they_end_with_a_run_that_is_killed(self, tmp_path, marks):
        """Those that hang too, which would never look for their parent."""
        config, _ = write_config(tmp_path, workers=2, number=STOP, marks=str(marks))
        running = Running(tmp_path, train, config)
        wait_until(lambda: len(marked(marks)) == 2)
        time.sleep(0.5)
        assert all(map(is_running, marked(marks)))
        running.process.kill()
        running.process.join()
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)


class TestEvaluation:
    @pytest.mark.parametrize(('number', 'expected'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    @pytest.mark.parametrize('workers', [0, 2])
    def test_a_signal_ends_it_without_orphans(self, number, expected, workers, tmp_path, marks):
        config, weights = write_config(tmp_path, workers=workers, seconds=0.3, marks=str(marks))
        running = Running(tmp_path, test_command, config, weights)
        wait_until(lambda: len(marked(marks)) == max(workers, 1))
        os.kill(running.pid, number)
        code, output = running.end(20)
        assert code == expected
        assert 'Traceback' not in output
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)

    def test_a_signal_ends_one_that_hangs(self, tmp_path, marks):
        config, weights = write_config(tmp_path, workers=2, number=STOP, marks=str(marks))
        running = Running(tmp_path, test_command, config, weights)
        wait_until(lambda: len(marked(marks)) == 2)
        time.sleep(0.5)
        os.kill(running.pid, signal.SIGTERM)
        assert running.end(20)[0] == 143
        wait_until(lambda: not any(map(is_running, marked(marks))), 15)


def launch(config, folder):
    """What a launcher does: start two ranks and wait for them."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    os.environ.update(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    ranks = []
    for rank in range(2):
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
        (folder / str(rank)).mkdir()
        ranks.append(Running(folder / str(rank), train, config, '--launcher', 'pytorch'))
    ranks[0].process.join()
    for rank in ranks[1:]:
        rank.process.kill()
    sys.exit(ranks[0].process.exitcode)


@pytest.mark.skipif(torch.cuda.is_available(), reason='the processes of this test talk through gloo')
class TestRanks:
    def test_one_that_hangs_is_named(self, tmp_path, marks):
        config, _ = write_config(tmp_path, dist_timeout=6, hook=dict(rank=1, marks=str(marks)))
        launcher = FORK.Process(target=launch, args=(config, tmp_path))
        launcher.start()
        launcher.join(90)
        assert launcher.exitcode == 1
        line = (tmp_path / '0' / 'train.log').read_text().strip().splitlines()[-1]
        assert line.startswith('Error: rank 1 does not answer (rank 0 waited): ')
        assert 'raise env_cfg.dist_cfg.timeout' in line

    def test_they_end_with_a_launcher_that_is_killed(self, tmp_path, marks):
        config, _ = write_config(tmp_path, hook=dict(rank=1, marks=str(marks)))
        launcher = FORK.Process(target=launch, args=(config, tmp_path))
        launcher.start()
        wait_until(lambda: len(marked(marks)) == 2)
        assert all(map(is_running, marked(marks)))
        launcher.kill()
        launcher.join()
        wait_until(lambda: not any(map(is_running, marked(marks))), 10)


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    """Of 100 frames, and of 2000."""
    folder = tmp_path_factory.mktemp('sources')
    noise = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), np.uint8)
    write(folder / 'short.mkv', noise)
    write(folder / 'long.mkv', noise.repeat(20, 0))
    return folder


def recognition(tmp_path, source, out):
    online_config().dump(tmp_path / 'config.py')
    return stream, tmp_path / 'config.py', 'none', source, '--out', out, '--scores', tmp_path / 'scores.json'


def segmentation(tmp_path, source, out):
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model = dict(type='mmvidext.DeepFeatureFlow', segmentor=fcn(19), flow_net=flow_net)
    Config(dict(default_scope='mmseg', model=model)).dump(tmp_path / 'config.py')
    return segment, tmp_path / 'config.py', 'none', source, out, '--label-video', tmp_path / 'labels.webm'


def estimation(tmp_path, source, out):
    FLOW_CONFIG.dump(tmp_path / 'config.py')
    torch.save({'state_dict': FlowEstimator(FLOW_NET).state_dict(), 'meta': {}}, tmp_path / 'weights.pth')
    return flow, tmp_path / 'config.py', tmp_path / 'weights.pth', source, '--picture', out, '--out', tmp_path / 'flows'


COMMANDS = pytest.mark.parametrize('command', [recognition, segmentation, estimation])


class TestStreaming:
    @COMMANDS
    @pytest.mark.parametrize(
        ('number', 'expected', 'suffix'), [(signal.SIGINT, 130, '.avi'), (signal.SIGTERM, 143, '.mp4')]
    )
    def test_a_signal_closes_the_outputs(self, command, number, expected, suffix, sources, tmp_path):
        out = tmp_path / f'out{suffix}'
        running = Running(tmp_path, *command(tmp_path, sources / 'long.mkv', out))
        wait_until(out.exists)
        time.sleep(0.3)
        os.kill(running.pid, number)
        os.kill(running.pid, number)  # a second one does not disturb the first
        code, output = running.end()
        assert (code, 'Traceback' in output) == (expected, False), output
        assert output.strip().splitlines()[-1] == f'stopped by {number.name}'
        opened = open_source(out)
        assert len(list(opened.frames)) == opened.num_frames > 0
        assert opened.num_frames < 2000
        if command is recognition:
            assert len(json.loads((tmp_path / 'scores.json').read_text())['frames']) == opened.num_frames
        if command is segmentation:
            assert open_source(tmp_path / 'labels.webm').num_frames == opened.num_frames
        if command is estimation:
            assert len(list((tmp_path / 'flows').iterdir())) == opened.num_frames

    @COMMANDS
    @pytest.mark.parametrize('suffix', ['.mp4', '.avi', '.webm'])
    def test_a_disk_that_fills_is_an_error(self, command, suffix, sources, tmp_path):
        def fill():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # no file may become larger
            os.environ['CUDA_VISIBLE_DEVICES'] = ''  # nor could those that CUDA needs

        arguments = command(tmp_path, sources / 'short.mkv', tmp_path / f'out{suffix}')
        code, output = Running(tmp_path, *arguments, prepare=fill).end()
        assert (code, 'Traceback' in output) == (1, False), output
        line = output.strip().splitlines()[-1]
        assert line.startswith('Error: ')
        assert 'cannot be written' in line or 'is the disk full?' in line
