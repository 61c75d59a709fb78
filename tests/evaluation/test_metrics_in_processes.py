"""VIDMetric in two real processes, each with whole videos, equals one process with all of them."""

import json
import multiprocessing
import os
import socket

import torch

from tests.evaluation.test_vid_metric import metric_of, random_frames, sample


def one_process(rank, port, out):
    os.environ.update(RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.distributed.init_process_group('gloo')
    metric = metric_of([])
    frames = random_frames(3)
    own = [number for number, frame in enumerate(frames, start=1) if (frame['video'] == 'v2') == bool(rank)]
    metric.process(None, [sample(frames[number - 1], number) for number in own])
    out.joinpath(f'{rank}.json').write_text(json.dumps([len(own), metric.evaluate(len(frames))]))
    torch.distributed.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=one_process, args=(rank, port, tmp_path)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    frames = random_frames(3)
    expected = metric_of(frames).evaluate(len(frames))
    parts = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    assert [part[0] for part in parts] == [28, 14]  # of different size
    assert all(part[1] == expected for part in parts)
    assert expected['vid/mAP'] > 0
