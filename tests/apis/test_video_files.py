import cv2
import numpy as np
import pytest

from mmvidext.apis.video_files import VideoWriter


def test_a_frame_of_another_size_is_not_dropped_silently(tmp_path):
    path = tmp_path / 'a.AVI'
    with VideoWriter(path, 25) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(ValueError, match=r'frame 2 for .*a\.AVI is \(32, 64\) .* after frames of \(48, 64\)'):
            writer.write(np.zeros((32, 64, 3), np.uint8))
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 1
