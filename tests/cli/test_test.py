"""What the flags of ``mmvidext test`` put into a config."""

import copy
from pathlib import Path

import click
import pytest
from mmengine.config import Config

from mmvidext.cli.test import apply_test_flags

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
    assert report == dict(type='mmvidext.ClassificationReport', class_names=None, table=True, picture=None)
    _, report = flagged(ACCURACY, confusion_matrix=Path('a.png'), class_names=Path('names.txt'))
    assert (report.class_names, report.table, report.picture) == ('names.txt', False, 'a.png')


def test_class_names_alone():
    with pytest.raises(click.UsageError, match='--class-names is for --per-class and --confusion-matrix'):
        flagged(ACCURACY, class_names=Path('names.txt'))
