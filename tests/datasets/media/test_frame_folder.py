"""A folder of pictures: its order is known, and what is missing is named."""

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.frame_folder import FrameFolder


def write(folder, *names):
    """Pictures whose brightness is their place in the list."""
    for place, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((4, 6, 3), 20 * place, np.uint8))


@pytest.fixture
def warnings(monkeypatch):
    lines = []
    monkeypatch.setattr(MMLogger, 'log', lambda self, level, text, *args: lines.append(text))
    MMLogger.get_instance('frame_folder')
    return lines


def test_frames_come_in_natural_order(tmp_path, warnings):
    write(tmp_path, '1.png', '2.png', '3.png', '4.png', '5.png', '6.png', '7.png', '8.png', '9.png', '10.png')
    frames = FrameFolder(str(tmp_path)).frames(range(10))
    assert [int(frame.max()) for frame in frames] == [20 * place for place in range(10)]
    assert warnings == []


def test_a_gap_is_named_once(tmp_path, warnings):
    write(tmp_path, '1.png', '2.png', '4.png')
    for _ in range(3):
        assert FrameFolder(str(tmp_path)).num_frames == 3
    assert warnings == [f'{tmp_path}: pictures are missing between 2 and 4; the others are read']


def test_every_second_frame_is_no_gap(tmp_path, warnings):
    write(tmp_path, '00.png', '02.png', '04.png')
    assert FrameFolder(str(tmp_path)).num_frames == 3
    assert warnings == []


def test_the_same_number_twice_is_an_error(tmp_path):
    write(tmp_path, 'a_1.png', 'a_01.png', 'a_2.png')
    with pytest.raises(BadFileError, match=r'a_01 and a_1 have the same number; remove one'):
        FrameFolder(str(tmp_path))


def test_pictures_of_several_sizes(tmp_path):
    write(tmp_path, '1.png', '2.png')
    cv2.imwrite(str(tmp_path / '3.png'), np.zeros((6, 4, 3), np.uint8))
    assert len(FrameFolder(str(tmp_path)).frames([1, 0, 1])) == 3
    with pytest.raises(BadFileError, match=r'3\.png is 4x6, but .*2\.png is 6x4: the frames of a video must have one'):
        FrameFolder(str(tmp_path)).frames([2, 1])


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(BadFileError, match='holds no picture'):
        FrameFolder(str(tmp_path))
