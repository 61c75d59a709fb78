"""What the flags of ``mmvidext test`` put into a config."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import click
import mmengine
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.cli.running import run_errors
from mmvidext.cli.test import _write, apply_test_flags
from mmvidext.cli.weights_file import save_weights
from mmvidext.evaluation import ClassificationReport, PredictionDump

IOU = dict(type='mmvidext.VideoIoUMetric', distances=[0])
ACCURACY = dict(type='mmvidext.AccMetric')


def flagged(*metrics, **flags):
    """Return the evaluators of a config after the flags."""
    config = Config(dict(test_evaluator=[copy.deepcopy(metric) for metric in metrics]))
    apply_test_flags(config, **flags)
    return config.test_evaluator


def test_a_segmentor_needs_no_further_metric_for_its_classes():
    """The IoU metrics log a table of the classes themselves."""
    assert flagged(IOU, per_class=True) == [IOU]
    for flags in (dict(confusion_matrix=Path('a.png')), dict(per_class=True, class_names=Path('names.txt'))):
        with pytest.raises(click.UsageError, match='for recognition, but this is segmentation'):
            flagged(IOU, **flags)


def test_a_recognizer_gets_a_report():
    metric, report = flagged(ACCURACY, per_class=True)
    assert metric == ACCURACY
    assert report == dict(type='mmvidext.ClassificationReport', class_names=None, table=True)
    _, report = flagged(ACCURACY, confusion_matrix=Path('a.png'), class_names=Path('names.txt'))
    assert (report.class_names, report.table) == ('names.txt', False)


@pytest.mark.parametrize('several', [list, tuple])
def test_evaluators_of_any_form(several):
    config = Config(dict(test_evaluator=several([ACCURACY])))
    apply_test_flags(config, dump=Path('a.pkl'))
    assert [metric.type for metric in config.test_evaluator] == ['mmvidext.AccMetric', 'mmvidext.PredictionDump']


def test_class_names_alone():
    with pytest.raises(click.UsageError, match='--class-names is for --per-class and --confusion-matrix'):
        flagged(ACCURACY, class_names=Path('names.txt'))


def test_a_picture_that_cannot_be_written_costs_nothing_else(tmp_path):
    report, dump = ClassificationReport(table=False), PredictionDump(str(tmp_path / 'a.pkl'))
    runner = SimpleNamespace(test_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=[report, dump])))
    sample = dict(gt_label=torch.tensor([1]), pred_score=torch.tensor([0.25, 0.75]))
    for metric in (report, dump):
        metric.process(None, [sample])
        metric.evaluate(1)
    (tmp_path / 'file').touch()
    values = {'acc': np.float32(0.5), 'matrix': torch.tensor([[0, 1]]), 'classes': ['a'], 'kind': str}

    def write(metrics, picture):
        with run_errors():
            _write(runner, values, metrics=metrics, dump=tmp_path / 'a.pkl', confusion_matrix=picture)

    with pytest.raises(click.ClickException, match=r'/file/a\.png cannot be written: File exists$'):
        write(tmp_path / 'a.json', tmp_path / 'file' / 'a.png')
    plain = {'acc': 0.5, 'matrix': [[0, 1]], 'classes': ['a'], 'kind': "<class 'str'>"}
    assert json.loads((tmp_path / 'a.json').read_text()) == plain
    assert (tmp_path / 'a.pkl').is_file()
    write(None, tmp_path / 'a.png')
    assert [float(one['pred_score'].sum()) for one in mmengine.load(tmp_path / 'a.pkl')] == [1.0]
    assert (tmp_path / 'a.png').stat().st_size > 0


def test_a_full_disk_is_one_line_wherever_a_run_writes():
    with pytest.raises(click.ClickException, match='a file of the run cannot be written: No space left'), run_errors():
        raise OSError(28, 'No space left on device')  # that of a hook of the user's
    with pytest.raises(ConnectionError), run_errors():
        raise ConnectionError('another one keeps its traceback')


def test_weights_that_cannot_be_written_name_their_file(tmp_path):
    save_weights(tmp_path / 'a.pth', {'a': torch.ones(1)}, source='x')
    assert torch.load(tmp_path / 'a.pth') == {'state_dict': {'a': torch.ones(1)}, 'meta': {'source': 'x'}}
    with pytest.raises(OSError, match=r'/a\.pth/b\.pth cannot be written: File exists$'):
        save_weights(tmp_path / 'a.pth' / 'b.pth', {}, source='x')
