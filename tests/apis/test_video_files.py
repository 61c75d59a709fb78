import av
import cv2
import numpy as np
import pytest

from mmvidext.apis import video_files
from mmvidext.apis.video_files import VIDEO_SUFFIXES, VideoReader, VideoWriter
from tests.datasets.videos import write_with_av


def scene(number=8, size=(48, 64)):
    """Smooth pictures that differ, so that a codec keeps them."""
    y, x = np.mgrid[: size[0], : size[1]]
    pictures = [np.stack((x + 10 * i, 2 * y, 0 * x + 20 * i), -1) % 200 for i in range(number)]
    return np.stack(pictures).astype(np.uint8)


def write(path, frames, rate=25):
    with VideoWriter(path, rate) as writer:
        for frame in frames:
            writer.write(frame)


@pytest.mark.parametrize('suffix', VIDEO_SUFFIXES)
@pytest.mark.parametrize('size', [(48, 64), (45, 63)])
def test_what_is_written_can_be_read(tmp_path, suffix, size):
    """In color, in order, at the same rate, also by OpenCV; odd sizes get a row or column more where they must."""
    path = tmp_path / 'new folder' / f'跑步{suffix.upper()}'
    frames = scene(size=size)
    write(path, frames, 29.97)
    reader = VideoReader(path)
    read = np.stack(list(reader))
    assert reader.num_frames == len(read) == 8
    assert reader.frame_rate == pytest.approx(29.97, abs=0.1)
    assert 0 <= read.shape[1] - size[0] <= 1
    assert 0 <= read.shape[2] - size[1] <= 1
    assert np.abs(read[:, : size[0], : size[1]].astype(int) - frames).mean() < 6
    capture = cv2.VideoCapture(str(path))
    assert [capture.read()[0] for _ in range(9)] == [True] * 8 + [False]


def test_a_frame_of_another_size_is_fitted_in(tmp_path):
    with VideoWriter(tmp_path / 'a.avi', 25) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
        writer.write(np.full((20, 10, 3), 255, np.uint8))
    _, second = VideoReader(tmp_path / 'a.avi')
    assert second.shape == (48, 64, 3)
    assert second[24, 32].min() > 240  # 24 columns in the middle
    assert second[:, :16].max() < 60
    assert second[:, 48:].max() < 60


def test_another_encoder_is_taken_where_the_first_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(video_files._ENCODERS, '.mp4', ('no_such_encoder', 'mpeg4'))
    write(tmp_path / 'a.mp4', scene())
    assert VideoReader(tmp_path / 'a.mp4').num_frames == 8
    monkeypatch.setitem(video_files._ENCODERS, '.mp4', ('no_such_encoder',))
    with pytest.raises(ValueError, match=r'no encoder for \.mp4'):
        VideoWriter(tmp_path / 'b.mp4', 25)


def test_an_mp4_that_was_never_closed_is_playable(tmp_path):
    """As after a power cut."""
    writer = VideoWriter(tmp_path / 'a.mp4', 25)
    for frame in np.random.default_rng(0).integers(0, 256, (800, 48, 64, 3), np.uint8):
        writer.write(frame)
    content = (tmp_path / 'a.mp4').read_bytes()
    (tmp_path / 'cut.mp4').write_bytes(content)
    frames = []
    with pytest.raises(ValueError, match='truncated or damaged'):
        frames.extend(VideoReader(tmp_path / 'cut.mp4'))
    assert 400 < len(frames) < 800
    writer.__exit__(None, None, None)
    assert VideoReader(tmp_path / 'a.mp4').num_frames == 800


def test_frames_that_are_missing_at_the_end_are_noticed(tmp_path):
    writer = VideoWriter(tmp_path / 'a.avi', 25)
    writer.write(scene()[0])
    writer.num_written = 3
    with pytest.raises(OSError, match=r'a\.avi holds 1 of 3 frames: is the disk full\?'):
        writer.__exit__(None, None, None)


@pytest.mark.parametrize('suffix', ['.mkv', '.avi', '.webm'])
def test_a_truncated_file_is_read_to_its_end_and_is_an_error(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    write(path, np.random.default_rng(0).integers(0, 256, (30, 48, 64, 3), np.uint8), 24)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = VideoReader(path)
    assert reader.frame_rate == pytest.approx(24, rel=0.01)
    frames = []
    with pytest.raises(ValueError, match=r'truncated or damaged.*what can be read, \d+ frames, was processed'):
        frames.extend(reader)
    assert 5 < len(frames) < 25


@pytest.mark.parametrize(
    ('skip', 'told'), [(range(5, 25), 'at the mean of 5.846 frames/s, and are wrong by up to 1.2 s'), ((), '')]
)
def test_seconds_that_are_wrong_are_told(skip, told, tmp_path, monkeypatch):
    """Of a recorder that left out the frames from 0.4 to 2.1 s: number 5 is shown at 2.08 s, and counted at 0.86 s."""
    said = []
    monkeypatch.setattr(video_files, 'print_log', lambda text, **_: said.append(text))
    VideoReader(write_with_av(tmp_path / 'a.mp4', skip=skip))
    assert len(said) == bool(told)
    assert told in ''.join(said)


def test_what_is_no_video(tmp_path):
    (tmp_path / 'text.mp4').write_text('text')
    (tmp_path / 'empty.mp4').touch()
    for name, kind, message in (
        ('text.mp4', ValueError, 'cannot be decoded'),
        ('empty.mp4', ValueError, 'is empty'),
        ('none.mp4', FileNotFoundError, 'does not exist'),
        ('.', ValueError, 'is not a regular file'),
    ):
        with pytest.raises(kind, match=message):
            VideoReader(tmp_path / name)


class PacketCounter:
    """A container that counts the packets that were asked for, and cannot be read beyond some."""

    def __init__(self, container, readable=100):
        self.container, self.readable, self.count = container, readable, 0
        self.name, self.streams = container.name, container.streams

    def demux(self, stream):
        for packet in self.container.demux(stream):
            if self.count == self.readable:
                raise av.error.InvalidDataError(1, 'gone')
            self.count += 1
            yield packet


def test_decoding_live_waits_for_no_later_packet(tmp_path):
    write(tmp_path / 'a.webm', scene())
    with av.open(tmp_path / 'a.webm') as container:
        packets = PacketCounter(container)
        for number, _ in enumerate(video_files.decode(packets, is_live=True)):
            assert packets.count == number + 1


def test_frames_before_damage_do_not_stay_in_the_decoder(tmp_path):
    write(tmp_path / 'a.webm', scene())
    frames = []
    with av.open(tmp_path / 'a.webm') as container, pytest.raises(av.FFmpegError, match='gone'):
        frames.extend(video_files.decode(PacketCounter(container, readable=3)))
    assert len(frames) == 3
