"""Curves, and the picture of motion: what is drawn is what was given."""

import json
import re

import numpy as np
import pytest
import torch

from mmvidext.drawing.figures import figure_picture
from mmvidext.drawing.motion import draw_motion
from mmvidext.drawing.probability_plot import plot_probabilities
from mmvidext.drawing.training_curves import metric_names, plot_training_curves, read_scalars
from mmvidext.ops import flow_to_image

EPOCHS = [
    dict(loss=4.0, epoch=1, step=10, lr=0.1),
    dict(loss=2.0, epoch=1, step=20, lr=0.1),
    {'acc/top1': 0.25, 'time': 1.0, 'step': 1},
    dict(loss=1.0, epoch=2, step=30, lr=0.1),
    {'acc/top1': 0.5, 'time': 1.0, 'step': 2},
]
ITERATIONS = [dict(loss=3.0, step=50, iter=50), {'mIoU': 40.0, 'step': 50}]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines(axes):
    points = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines]
    return dict(zip(legend(axes), points, strict=True))


def test_the_best_classes_are_plotted_best_first():
    probabilities = np.array([[0.1, 0.6, 0.3], [0.2, 0.7, 0.1]], np.float32)
    figure = plot_probabilities([0.5, 1.0], probabilities, ['a', '向右', '$c_d'], count=2)
    (axes,) = figure.axes
    assert list(lines(axes)) == ['向右', '$c_d']
    np.testing.assert_allclose(lines(axes)['向右'][1], [0.6, 0.7], rtol=1e-6)
    assert axes.get_title()
    assert figure_picture(figure).shape == (340, 800, 3)


def test_curves_are_means_of_epochs_and_what_validations_logged():
    assert metric_names(EPOCHS) == ['acc/top1']
    loss, validation = plot_training_curves({'run': EPOCHS}).axes
    assert lines(loss) == {'run': ([1, 2], [3.0, 1.0])}
    assert lines(validation) == {'run: acc/top1': ([1, 2], [0.25, 0.5])}
    assert loss.get_xlabel() == 'epoch'


def test_curves_of_iterations_beside_epochs():
    loss, validation = plot_training_curves({'a': EPOCHS, 'b': ITERATIONS}).axes
    assert loss.get_xlabel() == 'iteration'
    assert lines(loss)['a'] == ([10, 20, 30], [4.0, 2.0, 1.0])
    assert lines(validation) == {'a: acc/top1': ([20, 40], [0.25, 0.5]), 'b: mIoU': ([50], [40.0])}
    _, chosen = plot_training_curves({'a': EPOCHS}, ['acc/top1']).axes
    assert list(lines(chosen)) == ['a']


LONG = 'a very long name of a class ' * 5
NAMES = ['__x', 'cost $5$', 'bad $a_{$', f'{LONG}A', f'{LONG}B', 'a\nb', 'Äπ']


def test_names_of_others_are_text_in_every_plot():
    curves = plot_training_curves(dict.fromkeys(NAMES, EPOCHS), ['acc/top1$a_{$'])
    probabilities = plot_probabilities([0.5, 1.0], np.ones((2, len(NAMES)), np.float32), NAMES, count=len(NAMES))
    for figure in (curves, probabilities):
        figure_picture(figure)  # a formula that is none would be an error
        for axes in figure.axes:
            shown = legend(axes)
            assert shown[:3] == NAMES[:3]
            assert shown[5:] == ['a\ufffdb', 'Äπ']
            assert re.fullmatch('a very long name.*[.]{3}.*a class A', shown[3])
            assert shown[4] == f'{shown[3][:-1]}B'
            box, plot = axes.get_legend().get_window_extent(), figure.bbox
            assert plot.x0 <= box.x0
            assert box.x1 <= plot.x1
            assert axes.get_window_extent().width > plot.width / 3
    assert curves.axes[1].get_ylabel() == 'acc/top1$a_{$'


def test_the_log_of_the_newest_run_is_read_without_its_unfinished_line(tmp_path):
    with pytest.raises(FileNotFoundError, match='is it the work dir of a training run'):
        read_scalars(tmp_path)
    log = tmp_path / '20260101/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(f'{json.dumps(row)}\n' for row in EPOCHS) + '{"loss": 1')
    assert read_scalars(tmp_path) == EPOCHS
    for line in ('[1', '[' * 100_000):
        log.write_text(f'{{"loss": 1}}\n{line}\n')
        with pytest.raises(ValueError, match=r'scalars\.json:2 is no JSON object'):
            read_scalars(tmp_path)


def write_log(work_dir, start, rows):
    log = work_dir / start / 'vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(f'{json.dumps(row)}\n' for row in rows))


def test_the_logs_of_a_resumed_run_are_joined(tmp_path):
    def read():
        return [(row.get('loss'), row['step']) for row in read_scalars(tmp_path)]

    write_log(tmp_path, '20260101_000003', [dict(loss=0.1, step=30), {'acc/top1': 0.6, 'step': 2}])
    # killed behind the checkpoint of epoch 1, of whose end this start repeats the validation
    write_log(tmp_path, '20260101_000001', [*EPOCHS, dict(loss=9.0, step=40)])
    write_log(tmp_path, '20260101_000002', [EPOCHS[2], dict(loss=0.5, step=30), dict(loss=0.4, step=40)])
    write_log(tmp_path, '20260101_000004', [])
    write_log(tmp_path, '20260101_000005', [{'acc/top1': 0.9, 'step': 0}])  # a test
    assert read() == [(4.0, 10), (2.0, 20), (None, 1), (0.1, 30), (None, 2)]
    write_log(tmp_path, '20260102_000000', EPOCHS[:2])  # begun anew
    assert read() == [(4.0, 10), (2.0, 20)]


def test_motion_is_colored_and_fades_where_it_is_not_sure():
    frames = torch.zeros(3, 3, 8, 8)
    motion = torch.zeros(2, 3, 2, 2)
    motion[0, 0], motion[0, 2] = 1, 1  # to the right, sure
    motion[1, 0] = 1  # to the right, not sure
    picture = draw_motion(frames, motion, scale=1)
    assert picture.shape == (8 + 4 + 8, 3 * 8 + 2 * 4, 3)
    assert (picture[:8, :8] == 0).all()
    right = flow_to_image(motion[:1, :2], 1.0)[0, :, 0, 0].numpy()
    assert (picture[12:, :8] == right).all()
    assert (picture[12:, 12:20] == 255).all()
