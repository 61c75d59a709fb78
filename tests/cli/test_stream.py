import json
import re

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmvidext.cli.class_names import read_class_names
from mmvidext.cli.frame_sources import open_source
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
    frames, count, _ = open_source(str(out))
    assert count == len(list(frames)) == 4
    assert '1 frames recognized' in invoke(stream, config, 'none', out, '--max-frames', '1')


def test_frames_are_read_as_rgb(pictures):
    frames, count, _ = open_source(str(pictures))
    assert count == 4
    assert [frame[0, 0].tolist() for frame in frames] == [[50 * i, 0, 0] for i in range(4)]


def test_errors(config, pictures, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    (tmp_path / 'two.txt').write_text('a\nb\n')
    other = tmp_path / 'flow.py'
    Config(dict(model=dict(type='mmvidext.DeepFeatureFlow'))).dump(other)
    for arguments, message in (
        ([config, 'none', tmp_path / 'absent.mp4'], 'no video, folder or camera'),
        ([config, 'none', tmp_path / 'empty'], 'holds no picture'),
        ([config, 'none', tmp_path / 'text.mp4'], 'is not a video that OpenCV can read'),
        ([config, 'none', pictures, '--labels', tmp_path / 'two.txt'], 'names 2 classes, but the model has 5'),
        ([other, 'none', pictures], 'the model of the config must be a'),
        ([tmp_path / 'flw.py', 'none', pictures], 'did you mean flow.py?'),
    ):
        output = invoke(stream, *arguments, status=1)
        assert output.splitlines()[-1].startswith('Error: ')
        assert message in output
    for flag in ('--max-frames', '--every'):
        assert '0 is not in the range x>=1' in invoke(stream, config, 'none', pictures, flag, '0', status=2)


@pytest.mark.parametrize(
    'content', [['b', 'a'], {'b': 0, 'a': '1'}, {'1': 'a', '0': 'b'}, {'a': 10, 'b': 9}], ids=['list', 'a', 'b', 'c']
)
def test_labels_in_json(content, tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps(content))
    assert read_class_names(path) == ['b', 'a']


@pytest.mark.parametrize('text', ['[1, 2]', '{"a": "b"}', '3', '{"a": 0.5}', '['])
def test_other_json_is_refused(text, tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'labels\.json must be a JSON list of class names, or'):
        read_class_names(path)


def test_the_source_is_not_overwritten(config, pictures, tmp_path):
    video = tmp_path / 'a.avi'
    write_video(video)
    before = video.read_bytes()
    (tmp_path / 'link.avi').symlink_to(video)
    for out in (video, tmp_path / 'frames' / '..' / 'a.avi', tmp_path / 'link.avi'):
        output = invoke(stream, config, 'none', video, '--out', out, status=1)
        assert re.search(r'--out .* would overwrite .*a\.avi', output)
    (tmp_path / 'picture.avi').symlink_to(pictures / '2.png')
    for out in (pictures / '2.png', tmp_path / 'picture.avi'):
        output = invoke(stream, config, 'none', pictures, '--out', out, status=1)
        assert re.search(r'--out .* would overwrite .*2\.png', output)
    assert video.read_bytes() == before


def test_a_video_that_breaks_off_is_an_error_and_what_was_drawn_is_kept(config, tmp_path):
    video, out = tmp_path / 'a.avi', tmp_path / 'drawn.avi'
    write_video(video)
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 2 // 3])
    output = invoke(stream, config, 'none', video, '--out', out, status=1)
    _, kept, _ = open_source(str(out))
    assert 1 < kept < 9
    assert f'a.avi is truncated: frame {kept + 1} of 10 cannot be read; the {kept} frames' in output
    invoke(stream, config, 'none', video, '--max-frames', kept)


def test_pictures_of_different_sizes_are_an_error(config, pictures, tmp_path):
    cv2.imwrite(str(pictures / '2.png'), np.zeros((32, 64, 3), np.uint8))
    out = tmp_path / 'drawn.mp4'
    output = invoke(stream, config, 'none', pictures, '--out', out, '--every', '4', status=1)
    assert re.search(r'picture 3, .*2\.png, is \(32, 64\) .* those before it are \(48, 64\)', output)
    assert len(list(open_source(str(out))[0])) == 2
