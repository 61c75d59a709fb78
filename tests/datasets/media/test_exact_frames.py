"""Frame number i of a video is the one that decoding in order gives, however the container stores it."""

import av
import numpy as np
import pytest

from mmvidext.datasets.media.video_file import VideoFile, upright_rgb
from tests.datasets.videos import write_with_av

NUM_FRAMES = 36
_GRAYS = [8 + 6 * (17 * number % NUM_FRAMES) for number in range(NUM_FRAMES)]  # of each frame, unlike its neighbors'
NO_B_FRAMES = {'g': '12', 'bf': '0', 'qmax': '3', 'sc_threshold': '0', 'threads': '1'}
B_FRAMES = {**NO_B_FRAMES, 'bf': '2', 'b_strategy': '0'}  # wherever there may be some
OPEN_X264 = {**B_FRAMES, 'bf': '3', 'x264-params': 'open-gop=1:b-pyramid=2'}
REFRESHED = {**NO_B_FRAMES, 'x264-params': 'intra-refresh=1'}

# that can be sought exactly: the time of each frame is stored, or each is a key frame
SOUGHT = {
    'plain.mp4': ('libx264', NO_B_FRAMES),
    'b_frames.mp4': ('libx264', B_FRAMES),
    'open.mp4': ('libx264', OPEN_X264),
    'open.mkv': ('libx264', OPEN_X264),
    'short_groups.mov': ('libx264', {**B_FRAMES, 'g': '2', 'bf': '1'}),
    'interlaced.mp4': ('libx264', {**B_FRAMES, 'flags': '+ilme+ildct'}),
    'mpeg4.mp4': ('mpeg4', B_FRAMES),
    'mpeg2.mkv': ('mpeg2video', B_FRAMES),
    'vp9.webm': ('libvpx-vp9', {'g': '12', 'deadline': 'realtime', 'cpu-used': '8', 'lag-in-frames': '16'}),
    'motion_jpeg.avi': ('mjpeg', {}),
}
# whose times are not those of presentation, or are guessed, or whose decoder needs more than a key frame
COUNTED = {
    'b_frames.avi': ('libx264', B_FRAMES),
    'open.avi': ('libx264', OPEN_X264),
    'b_frames.mxf': ('libx264', B_FRAMES),
    'b_frames.wmv': ('libx264', B_FRAMES),
    'b_frames.ts': ('libx264', B_FRAMES),
    'mpeg4.ts': ('mpeg4', B_FRAMES),
    'mpeg4.mpg': ('mpeg4', NO_B_FRAMES),
    'mpeg4.vob': ('mpeg4', {'g': '12', 'bf': '0'}),
    'mpeg2.vob': ('mpeg2video', NO_B_FRAMES),
    'mpeg2.wmv': ('mpeg2video', B_FRAMES),
    'mpeg1.mpg': ('mpeg1video', NO_B_FRAMES),
    'mpeg1_b_frames.mpg': ('mpeg1video', {'g': '12', 'bf': '2', 'qmax': '3'}),
    'flash.flv': ('flv', {'g': '12'}),
    'refreshed.mp4': ('libx264', REFRESHED),
    'raw.h264': ('libx264', B_FRAMES),
    'raw.m4v': ('mpeg4', B_FRAMES),
}


def numbered_picture(number, *, size):
    """The level of gray tells the number; noise makes frames so large that MPEG splits them."""
    noise = np.random.default_rng(0).integers(-8, 9, (*size[::-1], 1))
    return np.repeat(_GRAYS[number] + noise, 3, axis=2).astype(np.uint8)


def write_numbered(path, codec, options, **settings):
    if codec not in av.codecs_available:
        pytest.skip(f'this PyAV has no {codec}')
    settings = {'num_frames': NUM_FRAMES, 'rate': 25, 'size': (48, 32)} | settings
    write_with_av(path, codec=codec, options=options, picture=numbered_picture, **settings)
    return path


def check_all_frames(path, *, numbers):
    """Ask for each frame alone and with others; `numbers` are those of the pictures that are shown."""
    video = VideoFile(str(path))
    expected = [upright_rgb(frame) for frame in video.decode()]
    assert [np.abs(np.subtract(_GRAYS, frame.mean())).argmin() for frame in expected] == list(numbers)
    count = len(expected)
    assert video.num_frames == count
    for wanted in [[number] for number in range(count)] + [[0, number // 2, number] for number in range(1, count, 4)]:
        for number, frame in zip(wanted, video.frames(wanted), strict=True):
            np.testing.assert_array_equal(frame, expected[number], err_msg=f'{path.name}: frame {number} of {wanted}')


def remux(source, target, *, first, shift):
    """Copy packets from number `first` on, `shift` earlier, in the time base of the source."""
    with av.open(str(source)) as container, av.open(str(target), 'w') as copy:
        stream = container.streams.video[0]
        other = copy.add_stream_from_template(stream)
        for packet in [packet for packet in container.demux(stream) if packet.size][first:]:
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, other
            copy.mux(packet)
    return target


@pytest.mark.parametrize('name', SOUGHT)
def test_a_frame_that_is_sought(tmp_path, monkeypatch, name):
    path = write_numbered(tmp_path / name, *SOUGHT[name])
    monkeypatch.setattr(VideoFile, '_decode_in_order', lambda *_: pytest.fail('decoded from the beginning'))
    check_all_frames(path, numbers=range(NUM_FRAMES))


@pytest.mark.parametrize('name', COUNTED)
def test_a_frame_that_is_counted(tmp_path, name):
    """MPEG-1 in .mpg gave the frame before, H.264 with B-frames in AVI, MXF and WMV another one of the group."""
    check_all_frames(write_numbered(tmp_path / name, *COUNTED[name]), numbers=range(NUM_FRAMES))


@pytest.mark.parametrize('name', ['rate.mp4', 'rate.mkv'])
def test_frames_at_a_variable_rate(tmp_path, name):
    path = write_numbered(tmp_path / name, 'libx264', B_FRAMES, num_frames=30, skip=(3, 4, 5, 13, 29, 30, 31))
    check_all_frames(path, numbers=range(30))


@pytest.mark.parametrize(('suffix', 'hidden'), [('mp4', 5), ('mkv', 0)])
def test_a_file_that_was_cut_without_encoding(tmp_path, suffix, hidden):
    """An MP4 has the frames from the key frame before the cut, and an edit list that hides them."""
    path = write_numbered(tmp_path / f'whole.{suffix}', 'libx264', B_FRAMES)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    first = [number for number, packet in enumerate(packets) if packet.is_keyframe][1]
    interval = sorted(packet.pts for packet in packets)[1] - min(packet.pts for packet in packets)
    cut = remux(path, tmp_path / f'cut.{suffix}', first=first, shift=packets[first].pts + hidden * interval)
    check_all_frames(cut, numbers=range(first + hidden, NUM_FRAMES))


def test_a_file_that_begins_with_frames_that_need_others(tmp_path):
    """Those behind the first key frame that are shown before it are not decoded; the others count from 0."""
    path = write_numbered(tmp_path / 'whole.mkv', 'libx264', OPEN_X264)
    with av.open(str(path)) as container:
        keys = [n for n, packet in enumerate(p for p in container.demux(video=0) if p.size) if packet.is_keyframe]
    video = VideoFile(str(remux(path, tmp_path / 'cut.mkv', first=keys[1], shift=0)))
    expected = [upright_rgb(frame) for frame in video.decode()]
    assert len(expected) < video.num_frames
    for number in range(len(expected)):
        np.testing.assert_array_equal(video.frames([number])[0], expected[number])


@pytest.mark.parametrize('suffix', ['mkv', 'mp4'])
def test_times_of_decoding_where_those_of_presentation_belong(tmp_path, suffix):
    """As an AVI that was copied into another container has them."""
    path = write_numbered(tmp_path / 'a.avi', 'libx264', OPEN_X264)
    check_all_frames(remux(path, tmp_path / f'a.{suffix}', first=0, shift=0), numbers=range(NUM_FRAMES))


def test_recordings_that_were_joined(tmp_path):
    """The times begin anew in the middle."""
    parts = [write_numbered(tmp_path / f'{n}.ts', 'mpeg2video', B_FRAMES, num_frames=18, first=18 * n) for n in (0, 1)]
    path = tmp_path / 'joined.ts'
    path.write_bytes(b''.join(part.read_bytes() for part in parts))
    check_all_frames(path, numbers=range(NUM_FRAMES))
