"""The duration that FFmpeg leaves out where a file is truncated."""

import struct

import av
import pytest

from mmvidext.datasets.media.asf_header import asf_duration
from mmvidext.datasets.media.video_file import VideoFile
from tests.datasets.videos import write_with_av


def properties(*, play=50_000_000, preroll=2000, flags=2):
    guid = bytes.fromhex('a1dcab8c47a9cf118ee400c00c205365')
    return b'before' + guid + struct.pack('<Q16s6QI', 104, b'', 0, 0, 0, play, 0, preroll, flags) + b'after'


def test_equals_what_ffmpeg_says_of_a_whole_file(tmp_path):
    path = write_with_av(tmp_path / 'a.wmv', codec='wmv2', rate=10, num_frames=30)
    with av.open(str(path)) as container:
        assert asf_duration(path.read_bytes()) == pytest.approx(container.duration / av.time_base) == 3.0


@pytest.mark.parametrize(
    ('header', 'seconds'),
    [
        (properties(), 3.0),
        (properties(flags=3), 0.0),  # broadcast
        (properties(play=0), 0.0),
        (properties()[:90], 0.0),
        (b'', 0.0),
    ],
)
def test_what_the_header_states(header, seconds):
    assert asf_duration(header) == seconds


def test_a_broadcast_that_was_stopped_is_whole(tmp_path):
    """Its recorder could not know when it ends."""
    path = write_with_av(tmp_path / 'a.wmv', codec='wmv2', num_frames=100, size=(128, 96))
    content = bytearray(path.read_bytes())
    content[content.find(properties()[6:22]) + 88] |= 1
    path.write_bytes(content[: len(content) * 4 // 5])
    assert 0 < VideoFile(str(path)).num_frames < 100
