import csv
import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.apis.frame_sources import open_source
from mmvidext.cli.stream import stream
from tests.apis.online_config import online_config
from tests.cli.invoke import invoke


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


def write_video(path):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 25, (64, 48))
    for frame in np.random.default_rng(0).integers(0, 256, (10, 48, 64, 3), dtype=np.uint8):
        writer.write(frame)
    writer.release()


def test_a_folder_of_frames_becomes_a_video_that_can_be_read_again(config, pictures, tmp_path):
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps({f'doing {i}': str(i) for i in range(5)}))
    out = tmp_path / 'out' / 'drawn.mp4'
    printed = invoke(stream, config, 'none', pictures, '--out', out, '--labels', labels, '--every', '2')
    assert 'frame 4/4' in printed
    assert 'frames/s' in printed
    assert 'doing ' in printed
    assert '2 frames recognized' in printed
    opened = open_source(out)
    assert opened.num_frames == len(list(opened.frames)) == 4
    assert '1 frames recognized' in invoke(stream, config, 'none', out, '--max-frames', '1')


def test_names_of_others_are_shown_as_text(config, pictures, tmp_path):
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps([f'=evil\x1b]0;title\x07\n{i}' for i in range(5)]))
    printed = invoke(stream, config, 'none', pictures, '--scores', tmp_path / 'out.csv', '--labels', labels)
    assert r'=evil\x1b]0;title\x07\n' in printed
    with (tmp_path / 'out.csv').open(encoding='utf-8-sig', newline='') as file:
        assert next(csv.reader(file))[1] == r"'=evil\x1b]0;title\x07\n0"


def test_frames_are_read_as_rgb(pictures):
    opened = open_source(pictures)
    assert opened.num_frames == 4
    assert [frame[0, 0].tolist() for frame in opened.frames] == [[50 * i, 0, 0] for i in range(4)]


def test_errors(config, pictures, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    (tmp_path / 'two.txt').write_text('a\nb\n')
    other = tmp_path / 'flow.py'
    Config(dict(model=dict(type='mmvidext.DeepFeatureFlow'))).dump(other)
    for arguments, message in (
        ([config, 'none', tmp_path / 'absent.mp4'], 'there is no video, folder, camera or address'),
        ([config, 'none', tmp_path / 'empty'], 'holds no picture'),
        ([config, 'none', tmp_path / 'text.mp4'], 'text.mp4 (codec unknown) cannot be decoded'),
        ([config, 'none', pictures, '--labels', tmp_path / 'two.txt'], 'names 2 classes, but the model has 5'),
        ([other, 'none', pictures], 'the model of the config must be a'),
        ([tmp_path / 'flw.py', 'none', pictures], 'did you mean flow.py?'),
    ):
        output = invoke(stream, *arguments, status=1)
        assert output.splitlines()[-1].startswith('Error: ')
        assert message in output
    for flag in ('--max-frames', '--every'):
        assert '0 is not in the range x>=1' in invoke(stream, config, 'none', pictures, flag, '0', status=2)


def test_no_input_is_overwritten(config, pictures, tmp_path):
    """Under no name: the file itself, another path to it, links and hard links."""
    video, labels = tmp_path / 'a.avi', tmp_path / 'labels.json'
    write_video(video)
    labels.write_text('["a", "b", "c", "d", "e"]')
    before = video.read_bytes()
    (tmp_path / 'link.avi').symlink_to(video)
    (tmp_path / 'hard.mp4').hardlink_to(video)
    (tmp_path / 'absent.csv').symlink_to(labels)
    for out in (video, tmp_path / 'frames' / '..' / 'a.avi', tmp_path / 'link.avi', tmp_path / 'hard.mp4'):
        output = invoke(stream, config, 'none', video, '--out', out, status=1)
        assert re.search(r'would overwrite .*a\.avi, which is read: name another output', output)
    (tmp_path / 'picture.avi').symlink_to(pictures / '2.png')
    for out in (pictures / '2.png', tmp_path / 'picture.avi'):
        output = invoke(stream, config, 'none', pictures, '--out', out, status=1)
        assert re.search(r'would overwrite .*2\.png', output)
    assert 'would overwrite' in invoke(stream, config, 'none', pictures, '--out', pictures, status=1)
    for scores in (labels, tmp_path / 'absent.csv'):
        output = invoke(stream, config, 'none', video, '--scores', scores, '--labels', labels, status=1)
        assert re.search(r'would overwrite .*labels\.json', output)
    assert video.read_bytes() == before
    assert labels.read_text() == '["a", "b", "c", "d", "e"]'


def test_a_damaged_video_is_an_error_and_what_was_drawn_is_kept(config, tmp_path):
    video, out = tmp_path / 'a.avi', tmp_path / 'drawn.avi'
    write_video(video)
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 2 // 3])
    output = invoke(stream, config, 'none', video, '--out', out, status=1)
    kept = open_source(out).num_frames
    assert 1 < kept < 9
    assert f'a.avi is truncated or damaged: {kept} frames are left' in output
    assert f'what can be read, {kept} frames, was processed' in output
    invoke(stream, config, 'none', video, '--max-frames', kept)


def test_a_changed_size_begins_a_new_stream(config, pictures, tmp_path):
    """Its scores are those of a stream that begins there; in the video it is fitted into the size of the first."""
    cv2.imwrite(str(pictures / '4.png'), np.full((32, 64, 3), 200, np.uint8))
    cv2.imwrite(str(pictures / '5.png'), np.full((32, 64, 3), 100, np.uint8))
    (tmp_path / 'rest').mkdir()
    for number in (4, 5):
        (tmp_path / 'rest' / f'{number}.png').symlink_to(pictures / f'{number}.png')
    found = {}
    for name, folder in (('all', pictures), ('rest', tmp_path / 'rest')):
        torch.manual_seed(0)
        out = tmp_path / f'{name}.mp4'
        printed = invoke(stream, config, 'none', folder, '--out', out, '--scores', tmp_path / f'{name}.json')
        found[name] = [frame['scores'] for frame in json.loads((tmp_path / f'{name}.json').read_text())['frames']]
        assert ('frame 5 is (32, 64) (height, width) after (48, 64): a new stream begins' in printed) == (name == 'all')
    assert found['all'][4:] == found['rest']
    assert {frame.shape for frame in open_source(tmp_path / 'all.mp4').frames} == {
        (240, 320, 3)
    }  # enlarged for the text


@pytest.mark.parametrize('suffix', ['.csv', '.json'])
def test_scores(config, pictures, tmp_path, suffix):
    labels, path = tmp_path / 'labels.txt', tmp_path / 'new' / f'scores{suffix}'
    labels.write_text('"a", b\nc\nd\ne\n跑步\n', encoding='utf-8')
    invoke(stream, config, 'none', pictures, '--scores', path, '--labels', labels, '--every', '2')
    text = path.read_text(encoding='utf-8')
    if suffix == '.csv':
        assert text.startswith('\ufeff')  # or Excel shows names in Chinese as garbage
        header, *rows = csv.reader(text[1:].splitlines())
        scores = [[float(value) for value in row[1:]] for row in rows]
        assert (header, [row[0] for row in rows]) == (['frame', '"a", b', 'c', 'd', 'e', '跑步'], ['1', '3'])
    else:
        content = json.loads(text)
        scores = [frame['scores'] for frame in content['frames']]
        assert content['classes'] == ['"a", b', 'c', 'd', 'e', '跑步']
        assert [frame['frame'] for frame in content['frames']] == [1, 3]
    assert np.array(scores).shape == (2, 5)
    np.testing.assert_allclose(np.sum(scores, 1), 1, atol=1e-4)
