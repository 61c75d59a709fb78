import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from mmvidext.app.child_frames import FrameProcess
from mmvidext.app.limits import Limits
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.video_file import VideoFile
from tests.app import decoders
from tests.datasets.videos import write_bad_videos, write_video


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp('private') / 'holiday.webm'
    write_video(path, num_frames=8, size=(64, 48))
    return path


def read(path, limits=None, **options):
    with FrameProcess(path, limits or Limits(), **options) as process:
        return process.num_frames, process.frame_rate, list(process.frames())


def test_the_frames_are_those_of_the_file(video):
    count, rate, frames = read(video)
    assert (count, rate) == (8, 12)
    np.testing.assert_array_equal(frames, VideoFile(str(video)).frames(range(8)))


def test_ctrl_c_of_a_terminal_is_not_for_the_decoder(video):
    with FrameProcess(video, Limits()) as process:
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGINT)
        assert len(list(process.frames())) == 8


def test_large_frames_are_shrunk_and_keep_their_shape(video):
    assert {frame.shape for frame in read(video, Limits(max_side=32))[2]} == {(24, 32, 3)}


def test_what_cannot_be_read_is_named_without_a_path(video, tmp_path):
    for name, reason in write_bad_videos(tmp_path, video).items():
        with pytest.raises(BadFileError, match=reason) as caught:
            read(tmp_path / name)
        assert str(tmp_path) not in str(caught.value)
        assert name not in str(caught.value)


@pytest.mark.parametrize('limits', [Limits(max_frames=7), Limits(max_seconds=0.5)])
def test_a_long_video_is_refused(video, limits):
    with pytest.raises(BadFileError, match=r'has 8 frames \(1 s\), but at most .* are taken: cut it'):
        read(video, limits)


@pytest.mark.parametrize(
    ('decode', 'message'),
    [
        (decoders.crashing, r'the decoder crashed \(SIGSEGV\)'),
        (decoders.stopping, r'the decoder crashed \(SIGKILL\)'),
        (decoders.lying, 'the decoder'),
    ],
)
def test_a_decoder_that_dies_or_lies_is_an_error(video, decode, message):
    with pytest.raises(BadFileError, match=message):
        read(video, Limits(max_silence=5), decode=decode)


@pytest.mark.parametrize(
    'decode',
    [
        decoders.babbling,
        decoders.saying_too_little,
        decoders.saying_too_much,
        decoders.listing,
        decoders.without_a_shape,
        decoders.of_a_negative_size,
    ],
)
def test_a_decoder_that_sends_something_else_is_an_error_and_ends(video, decode):
    with pytest.raises(BadFileError, match='cannot be decoded: the decoder sends what is no frame'):
        read(video, decode=decode)
    assert multiprocessing.active_children() == []


def test_a_decoder_that_hangs_is_ended(video):
    start = time.monotonic()
    with pytest.raises(BadFileError, match=r'longer than 0\.5 s'):
        read(video, Limits(max_silence=0.5), decode=decoders.hanging)
    assert time.monotonic() - start < 30


def test_the_process_ends_with_the_block(video):
    with FrameProcess(video, Limits()) as process:
        next(process.frames())
    assert process._process.exitcode is not None


def test_limits_are_positive():
    with pytest.raises(ValueError, match='max_uploads must be above 0 and finite, but is 0'):
        Limits(max_uploads=0)
    with pytest.raises(ValueError, match='max_megabytes must be above 0 and finite, but is inf'):
        Limits(max_megabytes=float('inf'))
