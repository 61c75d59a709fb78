import json

import cv2
import numpy as np
import pytest

from tests.apis.online_config import online_config
from tools.stream import main, open_source


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    online_config().dump(path)
    return str(path)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'frames'
    folder.mkdir()
    for i in range(4):
        cv2.imwrite(str(folder / f'{i}.png'), np.full((48, 64, 3), (0, 0, 50 * i), np.uint8))
    return folder


def test_a_folder_of_frames_becomes_a_video_that_can_be_read_again(config, pictures, tmp_path, capsys):
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps({f'doing {i}': str(i) for i in range(5)}))
    out = tmp_path / 'out' / 'drawn.mp4'
    main([config, 'none', str(pictures), '--out', str(out), '--labels', str(labels), '--every', '2'])
    printed = capsys.readouterr().out
    assert 'frame 4/4' in printed
    assert 'frames/s' in printed
    assert 'doing ' in printed
    assert '2 frames recognised' in printed
    frames, count, _ = open_source(str(out))
    assert count == len(list(frames)) == 4
    main([config, 'none', str(out), '--max-frames', '1'])
    assert '1 frames recognised' in capsys.readouterr().out


def test_frames_are_read_as_rgb(pictures):
    frames, count, _ = open_source(str(pictures))
    assert count == 4
    assert [frame[0, 0].tolist() for frame in frames] == [[50 * i, 0, 0] for i in range(4)]


def test_errors(config, pictures, tmp_path):
    with pytest.raises(SystemExit, match='no video, folder or camera'):
        main([config, 'none', str(tmp_path / 'absent.mp4')])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match='holds no picture'):
        main([config, 'none', str(tmp_path / 'empty')])
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(SystemExit, match='cannot be opened as a video'):
        main([config, 'none', str(tmp_path / 'text.mp4')])
    (tmp_path / 'two.txt').write_text('a\nb\n')
    with pytest.raises(SystemExit, match='names 2 classes, but the model has 5'):
        main([config, 'none', str(pictures), '--labels', str(tmp_path / 'two.txt')])
