"""Metrics in two real processes, each with samples of its own, equal one process with all of them."""

import json
import multiprocessing
import os
import socket

import pytest
import torch

from mmvidext.registry import METRICS
from tests.evaluation.test_iou_metric import metric as iou_metric
from tests.evaluation.test_iou_metric import sample as mask_sample
from tests.evaluation.test_vid_metric import metric_of, random_frames, sample


def evaluate_videos(rank, out):
    frames = random_frames(3)
    metric = metric_of([])
    own = [number for number, frame in enumerate(frames, start=1) if (frame['video'] == 'v2') == bool(rank)]
    metric.process(None, [sample(frames[number - 1], number) for number in own])
    return [len(own), metric.evaluate(len(frames))]


def count_clips_that_are_not_finite(rank, out):
    """Only the second process has such clips; only the first one logs."""
    logged = []
    pytest.MonkeyPatch().setattr('mmvidext.evaluation.acc_metric.print_log', lambda text, **_: logged.append(text))
    metric = METRICS.build(dict(type='mmvidext.AccMetric', metric_list='top_k_accuracy'))
    score = torch.full((3,), torch.nan) if rank else torch.tensor([0.1, 0.9, 0.2])
    metric.process({}, [dict(gt_label=torch.tensor([1]), pred_score=score)] * 2)
    return [metric.evaluate(4)['acc/top1'], logged]


def write_two_masks_of_one_name(rank, out):
    metric = iou_metric(output_dir=str(out / 'masks'), format_only=True)
    metric.process({}, [mask_sample([[rank]], img_path=f'{"xy"[rank]}/a/1.png')])
    with pytest.raises(ValueError, match='masks of') as error:
        metric.evaluate(2)
    return str(error.value)


def one_process(run, rank, port, out):
    os.environ.update(RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.distributed.init_process_group('gloo')
    out.joinpath(f'{rank}.json').write_text(json.dumps(run(rank, out)))
    torch.distributed.destroy_process_group()


def in_two_processes(run, out):
    """Return what a function ``(rank, out)`` returns in each of two processes."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=one_process, args=(run, rank, port, out)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    return [json.loads((out / f'{rank}.json').read_text()) for rank in range(2)]


def test_detections_in_two_processes_equal_one(tmp_path):
    parts = in_two_processes(evaluate_videos, tmp_path)
    frames = random_frames(3)
    expected = metric_of(frames).evaluate(len(frames))
    assert [part[0] for part in parts] == [28, 14]  # of different size
    assert all(part[1] == expected for part in parts)
    assert expected['vid/mAP'] > 0


def test_clips_that_are_not_finite_are_counted_in_every_process(tmp_path):
    pytest.importorskip('mmaction')
    (first, logged), (second, _) = in_two_processes(count_clips_that_are_not_finite, tmp_path)
    assert first == second == 0.5
    assert logged == ['2 clips have scores that are not finite (NaN or Inf) and count as wrong']


def test_masks_of_one_name_in_two_processes_are_an_error(tmp_path):
    first, second = in_two_processes(write_two_masks_of_one_name, tmp_path)
    assert first == second
    assert 'the masks of x/a/1.png and of y/a/1.png would both be written to' in first
