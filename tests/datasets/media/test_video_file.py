import errno
import logging
import os
import socket
import struct
import threading
from contextlib import contextmanager
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mmvidext.apis.live_sources import _frames_of
from mmvidext.apis.video_files import VideoReader
from mmvidext.datasets.media import video_file
from mmvidext.datasets.media.check import check_video
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.limits import within
from mmvidext.datasets.media.reencode import Encoding, reencode_video
from mmvidext.datasets.media.video_file import VideoFile
from tests.datasets.videos import write_video, write_with_av

# what people record and download, each of which some check by duration and frame rate called damaged
GOOD = {
    'plain.mp4': {},
    'plain.avi': {},
    'sound_longer.mp4': dict(sound_seconds=4.0),
    'sound_longer.mkv': dict(sound_seconds=4.0),
    'variable_rate.mkv': dict(skip=range(5, 25)),
    'variable_rate.mp4': dict(skip=range(5, 25)),
    'variable_rate.avi': dict(skip=range(5, 25)),
    'transport_stream.ts': dict(codec='mpeg2video', rate=25, sound_seconds=2.0),
    'program_stream.mpg': dict(codec='mpeg2video', rate=25),
    'b_frames.avi': dict(options={'bf': '2'}),
    'key_frames.mkv': dict(options={'g': '4', 'bf': '2'}),
    'motion_jpeg.avi': dict(codec='mjpeg'),
    'slow.flv': dict(codec='flv1', rate=1),
    'plain.wmv': dict(codec='wmv2'),
    'sound_longer.wmv': dict(codec='wmv2', sound_seconds=4.0),
    'sound_longer.flv': dict(codec='flv1', sound_seconds=4.0),
    'alternate_references.webm': dict(
        codec='libvpx', num_frames=40, options={'auto-alt-ref': '1', 'lag-in-frames': '16', 'b': '20k'}
    ),
}


def sequential(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]


@pytest.mark.parametrize('name', GOOD)
def test_good_files_are_read_exactly(tmp_path, name):
    path = write_with_av(tmp_path / name, **GOOD[name])
    expected = sequential(path)
    assert len(expected) == GOOD[name].get('num_frames', 20)
    video = VideoFile(str(path))
    video.check()
    assert video.num_frames == len(expected)
    for numbers in ([0], [len(expected) - 1], [13, 2, 2, 17], range(len(expected))):
        for number, frame in zip(numbers, video.frames(numbers), strict=True):
            np.testing.assert_array_equal(frame, expected[number])


@pytest.mark.parametrize('suffix', ['mkv', 'mp4', 'avi'])
def test_the_frame_rate_is_that_of_the_frames_that_are_there(tmp_path, suffix):
    """Matroska states the rate at which the recorder was set; seconds of a clip and resampling follow from it."""
    dropped = VideoFile(str(write_with_av(tmp_path / f'dropped.{suffix}', skip=range(5, 25))))
    assert dropped.frame_rate == pytest.approx(19 / (39 / 12), rel=1e-3)
    constant = VideoFile(str(write_with_av(tmp_path / f'constant.{suffix}')))
    assert constant.frame_rate == 12  # exactly, though Matroska rounds times to milliseconds


@pytest.mark.parametrize(('stated', 'is_damaged'), [(11, False), (20, True)])
def test_an_avi_whose_header_counts_more_frames_than_there_are(tmp_path, stated, is_damaged):
    """What is left when frames in the middle are lost, and the index with them; a recorder may drop one of ten."""
    path = write_with_av(tmp_path / 'lost.avi', codec='mjpeg', num_frames=10)
    content = bytearray(path.read_bytes())
    length = content.index(b'strh') + 8 + 32  # dwLength of AVISTREAMHEADER
    assert struct.unpack_from('<I', content, length) == (10,)
    struct.pack_into('<I', content, length, stated)
    path.write_bytes(content)
    if is_damaged:
        with pytest.raises(BadFileError, match=r'lost\.avi is damaged: 10 of 20 frames are left'):
            VideoFile(str(path))
    else:
        assert VideoFile(str(path)).num_frames == 10


def test_frames_that_the_decoder_patches_up_are_damage(tmp_path):
    """It returns as many frames as ever, and only marks those that it has concealed an error in."""
    path = write_with_av(tmp_path / 'noise.mkv', size=(64, 48), options={'g': '8'})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = np.random.default_rng(0).bytes(40)
    path.write_bytes(content)
    assert len(sequential(path)) == 20
    with pytest.raises(BadFileError, match=r'noise\.mkv is damaged at frame \d+ of 20'):
        VideoFile(str(path)).check()


def test_bytes_that_a_camera_appends_are_no_damage(tmp_path):
    path = write_with_av(tmp_path / 'camera.mp4')
    path.write_bytes(path.read_bytes() + os.urandom(200) + b'8db42d694ccc418790edff439fe026bf')
    video = VideoFile(str(path))
    video.check()
    assert video.num_frames == 20


def test_only_the_key_frame_before_is_decoded_from(tmp_path, monkeypatch):
    path = write_with_av(tmp_path / 'long.mkv', num_frames=60, options={'g': '10'})
    video = VideoFile(str(path))
    converted = video_file.upright_rgb
    monkeypatch.setattr(VideoFile, '_decode_in_order', lambda *_: pytest.fail('decoded from the beginning'))
    monkeypatch.setattr(video_file, 'upright_rgb', lambda *given: (given[0].pts, converted(*given))[1])
    assert len(video.frames([12, 55, 59])) == 3


@pytest.mark.parametrize('part', [0.3, 0.7])
@pytest.mark.parametrize(
    'name', ['plain.webm', 'plain.mkv', 'plain.mp4', 'plain.avi', 'motion_jpeg.avi', 'plain.flv', 'plain.wmv']
)
def test_a_truncated_file_is_found(tmp_path, name, part):
    path = tmp_path / name
    if name == 'plain.webm':
        write_video(path, num_frames=20)
    else:
        codecs = {'motion_jpeg.avi': 'mjpeg', 'plain.flv': 'flv1', 'plain.wmv': 'wmv2'}
        # an ASF file is padded to whole packets of 3,200 bytes: a few small frames are a part of it
        more = dict(num_frames=100, size=(128, 96)) if name == 'plain.wmv' else {}
        write_with_av(path, codec=codecs.get(name, 'mpeg4'), **more)
    content = path.read_bytes()
    index = content.rfind(b'idx1') if name.endswith('avi') else len(content)  # behind it nothing is lost
    path.write_bytes(content[: int(index * part)])
    with pytest.raises(BadFileError, match=rf'{name} .*(truncated|damaged|decoded|no frames|no video)'):
        VideoFile(str(path)).check()


@pytest.mark.parametrize('name', ['hole.webm', 'hole.mkv', 'hole.mp4', 'hole.avi'])
def test_damage_in_the_middle_is_found(tmp_path, name):
    path = tmp_path / name
    if name == 'hole.webm':
        write_video(path, num_frames=20)
    else:
        write_with_av(path, codec='mpeg4', options={'g': '5', 'b': '500k'}, size=(64, 48))
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)
    with pytest.raises(BadFileError, match=name):
        VideoFile(str(path)).check()


def test_a_stream_that_begins_in_the_middle_is_damage(tmp_path):
    """One wrong byte turns a packet of a transport stream into one of another stream: PyAV raises an IndexError."""
    path = write_with_av(tmp_path / 'stray.ts', codec='mpeg2video', rate=25, num_frames=60)
    content = bytearray(path.read_bytes())
    beginnings = [at for at in range(0, len(content), 188) if content[at + 1 : at + 3] == b'\x41\x00']
    content[beginnings[-5] + 1] = 0x4D
    path.write_bytes(content)
    with pytest.raises(BadFileError, match=r'stray\.ts is damaged: a stream begins in the middle of it'):
        VideoFile(str(path))
    with pytest.raises(ValueError, match=r'a stream begins in the middle of it; what can be read, \d\d frames, was'):
        list(VideoReader(path))
    with pytest.raises(ConnectionError, match=r'udp://x broke off after \d\d frames: a stream begins in the middle'):
        list(_frames_of(av.open(str(path)), 'udp://x'))


def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / 'fifo.mp4')
    (tmp_path / 'folder.mp4').mkdir()
    (tmp_path / 'dangling.mp4').symlink_to(tmp_path / 'nowhere')
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)
        server.bind('socket.mp4')
        for path in ('fifo.mp4', 'folder.mp4', 'socket.mp4', '/dev/zero', '/dev/tty'):
            with pytest.raises(BadFileError, match=rf'{path} (is not a regular file|does not exist)'):
                VideoFile(path)
        with pytest.raises(BadFileError, match=r'dangling\.mp4 does not exist'):
            VideoFile('dangling.mp4')


def test_names_are_names_of_files_and_nothing_else(tmp_path, monkeypatch):
    """FFmpeg would take `concat:a|b` for a request to join two files."""
    write_with_av(tmp_path / 'a.ts', codec='mpeg2video', rate=25)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFileError, match=r'concat:a\.ts\|a\.ts does not exist'):
        VideoFile('concat:a.ts|a.ts')
    os.rename('a.ts', 'concat:a b%20c?.ts')
    assert VideoFile('concat:a b%20c?.ts').num_frames == 20


@pytest.mark.parametrize('name', ['list.m3u8', 'list.mp4'])
def test_a_list_of_other_files_is_no_video(tmp_path, name):
    """FFmpeg would open what it names: any video of this machine, in the case of the first."""
    secret = write_with_av(tmp_path / 'secret.ts', codec='mpeg2video', rate=25)
    hls = f'#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n'
    (tmp_path / name).write_text(hls if name.endswith('m3u8') else 'ffconcat version 1.0\nfile secret.ts\n')
    with pytest.raises(BadFileError, match=rf'{name} is a list of other files \((hls|concat)\): name the videos'):
        VideoFile(str(tmp_path / name))
    with pytest.raises(ValueError, match=rf'{name} is a list of other files'):
        list(VideoReader(tmp_path / name))


def test_sound_alone(tmp_path):
    with av.open(str(tmp_path / 'sound.mp4'), 'w') as container:
        sound = container.add_stream('aac', rate=8000)
        sound.layout = 'mono'
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), 's16', 'mono')
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(BadFileError, match=r'sound\.mp4 has no video stream'):
        VideoFile(str(tmp_path / 'sound.mp4'))


def test_a_codec_without_a_decoder_is_named_with_a_remedy(tmp_path, monkeypatch):
    """As the AV1 decoder of an FFmpeg without dav1d answers."""
    path = write_with_av(tmp_path / 'a.mp4')
    video = VideoFile(str(path))

    def no_decoder(*_):
        raise av.FFmpegError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(VideoFile, '_decode_by_time', no_decoder)
    with pytest.raises(
        BadFileError, match=r'a\.mp4 \(codec mpeg4\) cannot be decoded: .* has no decoder for it: .*-c:v'
    ):
        video.frames([0])


def test_huge_frames_are_refused(tmp_path, monkeypatch):
    path = write_with_av(tmp_path / 'a.mp4')
    monkeypatch.setattr(video_file, 'MOST_PIXELS', 700)
    with pytest.raises(BadFileError, match=r'a\.mp4 has frames of 32x24, and more than 700 pixels are not read'):
        VideoFile(str(path))


def write_motion_jpeg(path, sizes):
    """Write an AVI whose header states the size of the first frame alone."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=25)
        (stream.width, stream.height), stream.pix_fmt = sizes[0], 'yuvj420p'
        for number, (width, height) in enumerate(sizes):
            packet = av.Packet(cv2.imencode('.jpg', np.full((height, width, 3), 90, np.uint8))[1].tobytes())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            container.mux(packet)
    return path


def test_a_video_whose_size_changes(tmp_path):
    path = str(write_motion_jpeg(tmp_path / 'a.avi', [(64, 48)] * 2 + [(32, 96)] * 2))
    assert len(VideoFile(path).frames([0, 1])) == 2
    message = 'a.avi: frame 2 is 32x96, but frame {} is 64x48: the frames of a video must have one size'
    with pytest.raises(BadFileError, match=message.format(1)):
        VideoFile(path).frames([1, 2])
    with pytest.raises(BadFileError, match=message.format(0)):
        VideoFile(path).check()
    assert check_video(path).problem == message.format(0).removeprefix('a.avi: ')


def test_huge_frames_behind_small_ones_are_not_decoded(tmp_path, monkeypatch):
    path = str(write_motion_jpeg(tmp_path / 'a.avi', [(64, 16)] * 2 + [(64, 48)] * 2))
    monkeypatch.setattr(video_file, 'MOST_PIXELS', 2000)
    assert VideoFile(path).frames([1])[0].shape == (16, 64, 3)
    for read in (VideoFile(path).check, lambda: VideoFile(path).frames([2])):
        with pytest.raises(BadFileError, match=r'a\.avi .* a frame has more than 2000 pixels, which are not read'):
            read()
    with pytest.raises(ValueError, match=r'a\.avi is damaged: 2 of 4 frames can be decoded'):
        list(VideoReader(path))


def test_numbers_outside(tmp_path):
    video = VideoFile(str(write_with_av(tmp_path / 'a.mp4')))
    for number in (-1, 20):
        with pytest.raises(IndexError, match=r'a\.mp4 has 20 frames'):
            video.frames([number])


def test_the_level_of_logging_is_left_as_it_was(tmp_path):
    path = write_with_av(tmp_path / 'a.mp4')
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    VideoFile(str(path))
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before
    assert logging.getLogger('libav').handlers == []


def test_a_file_that_hangs_holds_up_no_other(tmp_path, monkeypatch):
    """Its thread is left behind at the time limit."""
    slow, good = write_with_av(tmp_path / 'slow.mp4'), write_with_av(tmp_path / 'good.mkv')
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    opened, hangs, go_on = VideoFile._open, threading.Event(), threading.Event()

    @contextmanager
    def hanging(video):
        with opened(video) as (container, stream):
            if video.path == str(slow):
                hangs.set()
                go_on.wait(60)
            yield container, stream

    monkeypatch.setattr(VideoFile, '_open', hanging)
    thread = threading.Thread(target=VideoFile, args=(str(slow),))
    thread.start()
    assert hangs.wait(60)
    try:
        assert within(20, lambda: VideoFile(str(good)), name='good').num_frames == 20
        good.write_bytes(good.read_bytes()[:-400])
        with pytest.raises(BadFileError, match='is truncated'):
            within(20, lambda: VideoFile(str(good)), name='good')
    finally:
        go_on.set()
        thread.join()
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before


# of ISO 14496-12, to what a player makes of the picture: all that turn or mirror it
ORIENTATIONS = {
    (0, 1, -1, 0): lambda picture: np.rot90(picture, -1),
    (-1, 0, 0, -1): lambda picture: np.rot90(picture, 2),
    (0, -1, 1, 0): np.rot90,
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda picture: picture.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda picture: np.rot90(picture, 2).transpose(1, 0, 2),
}


def write_display_matrix(path, matrix):
    content = path.read_bytes()
    start = content.index(struct.pack('>9i', 2**16, 0, 0, 0, 2**16, 0, 0, 0, 2**30), content.index(b'tkhd'))
    a, b, c, d = (number * 2**16 for number in matrix)
    path.write_bytes(content[:start] + struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 2**30) + content[start + 36 :])


@pytest.mark.parametrize('matrix', ORIENTATIONS)
def test_videos_that_a_phone_filmed_sideways_or_mirrored_are_upright(tmp_path, matrix):
    """The training must see what a player, decord and our own inference show."""
    path = write_with_av(tmp_path / 'a.mp4', codec='libx264', num_frames=3, size=(64, 48))
    expected = ORIENTATIONS[matrix](VideoFile(str(path)).frames([1])[0])
    write_display_matrix(path, matrix)
    assert np.array_equal(VideoFile(str(path)).frames([1])[0], expected)
    assert np.array_equal(list(VideoReader(path))[1], expected)
    with pytest.raises(BadFileError, match=r'a\.mp4 is to be rotated or mirrored .*, which a copy would lose'):
        reencode_video(str(path), tmp_path / 'copy.mp4', Encoding())


def test_what_a_browser_records_is_whole(tmp_path):
    """It states no duration, and where it ends is where the recording was stopped."""
    path = tmp_path / 'live.webm'
    with av.open(str(path), 'w', options={'live': '1'}) as container:
        stream = container.add_stream('libvpx', rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, 'yuv420p'
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32, 3), 50 * number, np.uint8), 'rgb24')
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes()[:-2])  # the browser stops in the middle of a cluster
    video = VideoFile(str(path))
    assert video.num_frames == 4
    assert len(video.frames(range(4))) == 4
