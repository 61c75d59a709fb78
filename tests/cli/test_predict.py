"""Names of classes and files, which anybody may have chosen, in what is printed and written."""

import csv

import numpy as np
import pytest

from mmvidext.apis.video_recognizer import VideoPrediction
from mmvidext.cli.predict import predict, recognize_each
from mmvidext.cli.prediction_file import write_predictions
from mmvidext.cli.weighted_model import find_weighted_model
from tests.cli.invoke import invoke

NAMES = ['evil\x1b[31m\r\nfake line', '=HYPERLINK("http://x")', '向右, é', "it's -1"]
PREDICTION = VideoPrediction(np.float32([0.4, 0.3, 0.2, 0.1]), [], 7, NAMES)


def test_what_is_printed_steers_no_terminal(capsys):
    def recognize_one(video):
        if 'bad' in video:
            raise ValueError(f'{video} is damaged')
        return PREDICTION

    recognize_each(['a\x1b[2J.mp4', 'bad\n.mp4'], recognize_one, top=3, ends_at_error=False, is_stopped=lambda: False)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        r'a\x1b[2J.mp4: 7 frames',
        r'   40.0%  evil\x1b[31m\r\nfake line',
        '   30.0%  =HYPERLINK("http://x")',
        '   20.0%  向右, é',
    ]
    assert printed.err == 'bad\\n.mp4: bad\\n.mp4 is damaged\n'


def test_a_name_in_a_csv_is_no_formula(tmp_path):
    write_predictions(tmp_path / 'out.csv', 'model', {'a.mp4': PREDICTION}, {}, top=4)
    with (tmp_path / 'out.csv').open(encoding='utf-8-sig', newline='') as file:
        _, row = csv.reader(file)
    assert row[1:-1:2] == [r'evil\x1b[31m\r\nfake line', '\'=HYPERLINK("http://x")', '向右, é', "it's -1"]


@pytest.mark.parametrize('first', '=+-@')
def test_what_a_table_program_calculates(first, tmp_path):
    prediction = PREDICTION._replace(classes=[f'{first}1+1', *NAMES[1:]])
    write_predictions(tmp_path / 'out.csv', 'model', {'a.mp4': prediction}, {}, top=1)
    assert f"a.mp4,'{first}1+1,0.4," in (tmp_path / 'out.csv').read_text(encoding='utf-8-sig')


def test_random_weights_are_taken_only_where_they_are_asked_for():
    printed = invoke(predict, 'mmvidext::tsm_r18_sthv2', 'any.mp4', status=1)
    assert 'tsm_r18_sthv2 is a config without weights: write --weights CHECKPOINT, or --weights none' in printed
    assert find_weighted_model('a.py', 'none', option='').checkpoint is None
    assert find_weighted_model('camera-motion', 'none', option='').checkpoint is None
    assert find_weighted_model('camera-motion', None, option='').checkpoint == 'camera-motion'
