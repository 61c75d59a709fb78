"""An option that would change nothing in a call is an error."""

import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmvidext.cli.main import main
from tests.cli.invoke import invoke

REENCODE = 'data reencode in out'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ('segment a.py a.pth in.mp4 out.mp4 --max-interval 30', '--max-interval is for --adaptive: give both'),
        ('detect a.py a.pth in.mp4 out.mp4 --key-frame-interval 3 --max-interval -7', '--max-interval is for'),
        ('data folder . --allow-outside', '--allow-outside is for --annotations: give both'),
        ('data folder . --classes names.txt', '--classes is for --annotations: give both'),
        ('data folder . --split-number 1', '--split-number is for --annotations with the folder of UCF101 or HMDB51'),
        ('data folder . --annotations names.txt --split-number 2', '--split-number is for --annotations with the'),
        (f'{REENCODE} --intra-only --key-frame-interval 12', '--key-frame-interval has nothing to do with --intra-'),
        (f'{REENCODE} --delimiter ,', '--delimiter is for --list: give both'),
        ('export a.py a.onnx --online --frames 8', '--frames is for clips: with --online the model takes one frame'),
        ('flow a.py a.pth a.png b.png --out=a.flo --format=png', '--format is for the folder that a SOURCE gives'),
        ('flow a.py a.pth a.mp4 --picture=b.mp4 --format=flo', '--format is for --out'),
        ('flow a.py a.pth a.png b.png --out=a.flo --max-magnitude=3', '--max-magnitude is for --picture'),
        ('flow a.py a.pth a.mp4 --out=new --max-magnitude=3', '--max-magnitude is for --picture'),
        ('flow a.py a.pth a.mp4 --out=new --truth=a.flo', '--truth is for a pair of images'),
        ('flow a.py a.pth a.png b.png --out=a.flo --reconnects=3', '--reconnects is for an address or a camera'),
        (
            'train mmvidext::tsm_r18_sthv2 --weights a.pth --resume b.pth',
            '--weights is to begin with, but --resume b.pth goes on from a checkpoint: give one',
        ),
    ],
)
def test_an_option_that_has_nothing_to_act_on(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'names.txt').write_text('a\n')
    assert f'Error: {message}' in ' '.join(invoke(main, *words.split(), status=2).split())
