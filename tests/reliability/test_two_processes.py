"""Two processes: each has its own state, they agree on when to stop, and only the first writes."""

import os
import signal
import socket

import pytest
import torch

from mmvidext.engine.resume_point import find_resume_point
from tests.reliability.tiny_run import ON_GPU, config, local_rank, newest, process_context, train
from tools.chaos import differences, state

EPOCHS = dict(train_cfg=dict(max_epochs=6))  # of 3 batches of 4 on each process: 18 iterations
WRAPPER = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)


def one_process(rank, port, cfg, kills, resume, backend):
    where = dict(
        RANK=rank, LOCAL_RANK=local_rank(rank), WORLD_SIZE=len(kills), MASTER_ADDR='127.0.0.1', MASTER_PORT=port
    )
    os.environ.update({name: str(value) for name, value in where.items()})
    torch.distributed.init_process_group(backend)
    cfg = {**cfg, 'launcher': 'pytorch', 'env_cfg': dict(dist_cfg=dict(backend=backend)), 'model_wrapper_cfg': WRAPPER}
    cfg['default_hooks']['sync_buffers'] = dict(type='SyncBuffersHook')
    train(cfg, kill=kills[rank], resume=resume)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def train_together(cfg, *, kills=(None, None), resume=None, backend='gloo'):
    """Train with as many processes as there are ``kills``; return their exit codes."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    processes = [
        process_context().Process(target=one_process, args=(rank, port, cfg, kills, resume, backend))
        for rank in range(len(kills))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
        assert not process.is_alive()
    return [process.exitcode for process in processes]


OPTIONS = [
    dict(**EPOCHS),
    dict(**EPOCHS, interval=4, workers=2),
    dict(**EPOCHS, interval=4, optim_wrapper=dict(accumulative_counts=3)),
    dict(by_epoch=False, interval=5),
    dict(by_epoch=False, interval=6),  # at the iterations of the validations, whose means training goes on with
]


@pytest.mark.parametrize('options', OPTIONS)
def test_resumed_equals_uninterrupted(options, tmp_path):
    """Running statistics and waiting gradients differ between the processes in the middle of an epoch."""
    assert train_together(config(tmp_path / 'whole', **options)) == [0, 0]
    kill = dict(at=11)
    assert train_together(config(tmp_path / 'parts', **options), kills=(kill, kill)) == [-signal.SIGKILL] * 2
    point = find_resume_point(tmp_path / 'parts')
    assert train_together(config(tmp_path / 'parts', **options), resume=point) == [0, 0]
    one, other = (state(newest(tmp_path / name)) for name in ('whole', 'parts'))
    assert len(one['exact_resume']['ranks']) == 2
    assert list(differences(one, other)) == []


def test_a_signal_to_one_process_stops_both_at_the_same_iteration(tmp_path):
    options = dict(**EPOCHS, randomness=dict(seed=3, diff_rank_seed=True))
    assert train_together(config(tmp_path / 'whole', **options)) == [0, 0]
    kills = (None, dict(at=10, number=int(signal.SIGTERM)))
    assert train_together(config(tmp_path / 'parts', **options), kills=kills) == [75, 75]
    checkpoint = torch.load(newest(tmp_path / 'parts'))
    assert checkpoint['meta']['iter'] == 10
    generators = [rank['generators']['torch'] for rank in checkpoint['exact_resume']['ranks']]
    assert not torch.equal(*generators)
    assert train_together(config(tmp_path / 'parts', **options), resume=newest(tmp_path / 'parts')) == [0, 0]
    assert list(differences(*(state(newest(tmp_path / name)) for name in ('whole', 'parts')))) == []


def test_a_signal_to_one_process_in_a_validation_stops_both(tmp_path):
    """Where nothing is saved at that step: the first process saves before another one ends, and a launcher all."""
    kills = (None, dict(in_val=6, number=int(signal.SIGTERM)))
    assert train_together(config(tmp_path, **EPOCHS, interval=100), kills=kills) == [75, 75]
    assert torch.load(tmp_path / 'preempted.pth')['meta']['iter'] == 6


def test_a_killed_process_ends_the_other_and_the_run_resumes(tmp_path):
    assert train_together(config(tmp_path / 'whole', **EPOCHS)) == [0, 0]
    first, second = train_together(config(tmp_path / 'parts', **EPOCHS), kills=(None, dict(at=10)))
    assert first != 0
    assert second == -signal.SIGKILL
    point = find_resume_point(tmp_path / 'parts')
    assert train_together(config(tmp_path / 'parts', **EPOCHS), resume=point) == [0, 0]
    assert list(differences(*(state(newest(tmp_path / name)) for name in ('whole', 'parts')))) == []


@pytest.mark.skipif(not ON_GPU, reason='NCCL needs a GPU')
def test_resumed_equals_uninterrupted_with_nccl(tmp_path):
    """A process for each GPU, up to two."""
    count, options = min(2, torch.cuda.device_count()), dict(interval=4, workers=2)
    go_on, kill = dict(kills=(None,) * count, backend='nccl'), dict(kills=(dict(at=11),) * count, backend='nccl')
    assert train_together(config(tmp_path / 'whole', **options), **go_on) == [0] * count
    assert train_together(config(tmp_path / 'parts', **options), **kill) == [-signal.SIGKILL] * count
    point = find_resume_point(tmp_path / 'parts')
    assert train_together(config(tmp_path / 'parts', **options), **go_on, resume=point) == [0] * count
    assert list(differences(*(state(newest(tmp_path / name)) for name in ('whole', 'parts')))) == []
