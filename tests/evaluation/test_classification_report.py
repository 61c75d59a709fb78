import cv2
import numpy as np
import pytest
import torch

from mmvidext.evaluation import AccMetric, ClassificationReport
from mmvidext.evaluation.classification_report import _format_table, draw_confusion_matrix


def samples(pairs, num_classes=3):
    return [
        dict(gt_label=torch.tensor([label]), pred_score=torch.eye(num_classes)[prediction])
        for label, prediction in pairs
    ]


PAIRS = [(0, 0), (0, 0), (0, 1), (1, 1), (2, 0), (2, 0)]


def test_mean_class_accuracy_table_and_picture(tmp_path, monkeypatch):
    names = tmp_path / 'names.txt'
    names.write_text('up\ndown\nleft\n')
    metric = ClassificationReport(str(names), picture=str(tmp_path / 'sub' / 'matrix.png'))
    logged = []
    monkeypatch.setattr('mmvidext.evaluation.classification_report.print_log', lambda text, logger: logged.append(text))
    metric.process({}, samples(PAIRS))
    result = metric.evaluate(len(PAIRS))
    assert result == {'report/mean_class_accuracy': pytest.approx((2 / 3 + 1 + 0) / 3)}
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in logged[0].splitlines() if line.startswith('|')]
    assert rows[1:] == [
        ['up', '3', '2', '66.7%', 'down (1)'],
        ['down', '1', '1', '100.0%', ''],
        ['left', '2', '0', '0.0%', 'up (2)'],
    ]
    assert cv2.imread(str(tmp_path / 'sub' / 'matrix.png')).std() > 10


def test_class_without_clips_does_not_count(monkeypatch):
    logged = []
    monkeypatch.setattr('mmvidext.evaluation.classification_report.print_log', lambda text, logger: logged.append(text))
    pairs = [(0, 0), (1, 0), (1, 1), (0, 2)]
    metric, of_mmaction = ClassificationReport(table=False), AccMetric(metric_list='mean_class_accuracy')
    for one in (metric, of_mmaction):
        one.process({}, [dict(sample, pred_label=None) for sample in samples(pairs, num_classes=4)])
    assert metric.evaluate(4) == {'report/mean_class_accuracy': 0.5}
    assert of_mmaction.evaluate(4) == {'acc/mean1': pytest.approx(1 / 3)}  # class 2 is predicted, class 3 is not
    assert len(logged) == 1
    assert logged[0].startswith('2 of 4 classes have no clip: ')


def test_many_classes_are_drawn_without_names(tmp_path):
    metric = ClassificationReport(table=False, picture=str(tmp_path / 'matrix.png'))
    metric.process({}, samples([(label, label) for label in range(60)], num_classes=60))
    assert metric.evaluate(60)['report/mean_class_accuracy'] == 1
    assert (tmp_path / 'matrix.png').stat().st_size > 0


@pytest.mark.filterwarnings('error')  # matplotlib warns where the parts of a figure have no room
@pytest.mark.parametrize('names', [['$a_{$', 'b'], ['a very long name of a class ' * 7] * 2, ['__x'] * 7])
def test_every_name_is_inside_the_picture(tmp_path, names):
    draw_confusion_matrix(np.eye(len(names), dtype=int), names, tmp_path / 'matrix.png')
    picture = cv2.imread(str(tmp_path / 'matrix.png'))
    edges = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    assert all((edge == 255).all() for edge in edges)


def test_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'there is no annotation file .*none.txt. It names the classes'):
        ClassificationReport(str(tmp_path / 'none.txt'))
    (tmp_path / 'two.txt').write_text('a\nb\n')
    metric = ClassificationReport(str(tmp_path / 'two.txt'))
    with pytest.raises(ValueError, match='the model has 3 classes, but there are 2 class names'):
        metric.process({}, samples(PAIRS))
    with pytest.raises(ValueError, match='a clip has the label -1, but the model has 3 classes'):
        ClassificationReport().process({}, samples([(-1, 0)]))


def test_table_of_no_clips():
    import numpy as np

    assert '0' in _format_table(np.zeros((1, 1), dtype=int), ['a'])


def test_names_may_be_json(tmp_path):
    (tmp_path / 'names.json').write_text('{"b": 1, "a": 0}')
    assert ClassificationReport(str(tmp_path / 'names.json')).class_names == ['a', 'b']


def test_the_table_steers_no_terminal():
    table = _format_table(np.array([[1, 0], [1, 0]]), ['a\x1b[2J', 'b'])
    assert '\x1b' not in table
    assert table.count(r'a\x1b[2J') == 2
