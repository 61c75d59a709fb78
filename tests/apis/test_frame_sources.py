"""Videos, folders, patterns, and addresses: a local server that answers, breaks off, comes back, or says nothing."""

import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import av
import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

from mmvidext.apis import live_sources, video_files
from mmvidext.apis.frame_sources import open_source
from tests.apis.test_video_files import scene, write


def brightness(frames):
    return [int(frame[..., 0].max()) for frame in frames]


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 3, 10, 20):
        cv2.imwrite(str(tmp_path / f'f{number}.png'), np.full((8, 8, 3), number, np.uint8))
    cv2.imwrite(str(tmp_path / 'f4.jpg'), np.full((8, 8, 3), 4, np.uint8))
    (tmp_path / 'fx.png').write_text('not numbered')
    (tmp_path / 'notes.txt').touch()
    return tmp_path


@pytest.mark.parametrize(
    ('pattern', 'numbers'),
    [
        ('f%d.png', [1, 2, 3, 10, 20]),
        ('f%06d.png', [1, 2, 3, 10, 20]),
        ('f?.jpg', [4]),
        ('f[0-9]*.*', [1, 2, 3, 4, 10, 20]),
    ],
)
def test_patterns_are_read_in_natural_order(folder, pattern, numbers):
    source = open_source(folder / pattern)
    assert brightness(source.frames) == numbers
    assert source.num_frames == len(numbers)
    assert len(source.files) == len(numbers)


def write_pictures(folder, *names):
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))


def test_a_gap_is_named_and_a_constant_step_is_none(tmp_path, caplog):
    logger = MMLogger.get_instance('test_gap')
    logger.addHandler(caplog.handler)
    for names, warns in (((1, 2, 3, 8, 9), True), ((0, 10, 20), False), (('a', 'b'), False)):
        folder = tmp_path / str(names)
        folder.mkdir()
        write_pictures(folder, *(f'f{name}.png' for name in names))
        caplog.clear()
        assert open_source(folder).num_frames == len(names)
        assert ('pictures are missing between f3 and f8' in caplog.text) == warns


@pytest.mark.parametrize('names', [('c_1_7.png', 'c_1_07.png'), ('c_1.png', 'c_1.jpg')])
def test_two_pictures_of_one_number_have_no_order(tmp_path, names):
    write_pictures(tmp_path, *names)
    with pytest.raises(ValueError, match=r'have one number, so their order is not known'):
        open_source(tmp_path)


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    write(tmp_path / 'a[1]%d.mkv', scene(3))
    assert open_source(tmp_path / 'a[1]%d.mkv').num_frames == 3


def test_what_is_no_source(folder):
    (folder / 'empty').mkdir()
    for name, kind, message in (
        ('none.mp4', FileNotFoundError, 'there is no video, folder, camera or address'),
        ('empty', ValueError, 'holds no picture'),
        ('g%d.png', ValueError, 'no file matches'),
    ):
        with pytest.raises(kind, match=message):
            open_source(folder / name)
    with pytest.raises(ValueError, match=r'fx\.png is not a picture'):
        list(open_source(folder / 'f*.png').frames)
    for address in ('ftp://a/b.mp4', 'file:///etc/passwd', 'concat://a|b'):
        with pytest.raises(ValueError, match='is not the address of a stream'):
            open_source(address)
    with pytest.raises(OSError, match='camera 97 cannot be opened'):
        open_source('97')


class Server(ThreadingHTTPServer):
    """Serves bytes: all, or only a part of them; in the requests named, an error or others."""

    def __init__(self, content, *, cut=None, length=True, failing=(), others=None):
        super().__init__(('127.0.0.1', 0), Handler)
        self.others = others or {}
        self.content, self.cut, self.length, self.failing = content, cut, length, failing
        self.requests = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}/video'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        if self.server.requests in self.server.failing:
            return self.send_error(503)
        content = self.server.others.get(self.server.requests, self.server.content)
        self.send_response(200)
        if self.server.length:
            self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut])
        return None

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope='module')
def webm(tmp_path_factory):
    path = tmp_path_factory.mktemp('videos') / 'a.webm'
    write(path, np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), np.uint8))
    return path.read_bytes()


@pytest.fixture(scope='module')
def live():
    """What a camera on the network sends: JPEG pictures without end."""
    pictures = [cv2.imencode('.jpg', frame[..., ::-1])[1].tobytes() for frame in scene(10)]
    head = b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n'
    return b''.join(head % len(picture) + picture + b'\r\n' for picture in pictures)


def sound():
    file = io.BytesIO()
    with av.open(file, 'w', format='mpegts') as container:
        stream = container.add_stream('mp2', rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), 's16', 'mono')
        frame.sample_rate, frame.pts = 44100, 0
        container.mux([*stream.encode(frame), *stream.encode()])
    return file.getvalue()


def test_a_video_at_an_address(serve, webm):
    source = open_source(serve(webm).url)
    frames = list(source.frames)
    assert len(frames) == 20
    assert frames[0].shape == (48, 64, 3)
    assert source.frame_rate == pytest.approx(25)
    assert source.files == ()


def test_a_video_that_breaks_off_at_an_address(serve, webm):
    source = open_source(serve(webm, cut=len(webm) // 3).url)
    frames = []
    with pytest.raises(ConnectionError, match=r'/video broke off after \d+ frames'):
        frames.extend(source.frames)
    with av.open(io.BytesIO(webm[: len(webm) // 3])) as container:
        assert len(frames) == sum(1 for _ in container.decode(video=0))  # none stays in the decoder's threads


def test_a_live_stream_that_comes_back(serve, live):
    """After a failure or two; the count begins anew with each frame."""
    server = serve(live, length=False, failing=(2, 3, 5))
    pauses = []
    source = open_source(server.url, reconnects=3, wait=pauses.append)
    for _ in range(25):
        assert next(source.frames).shape == (48, 64, 3)
    assert pauses == [0.5, 1.0, 2.0, 0.5, 1.0]
    assert server.requests == 6


def test_a_live_stream_that_does_not_come_back(serve, live):
    server = serve(live, length=False, failing=range(2, 100))
    pauses, frames = [], []
    source = open_source(server.url, reconnects=3, wait=pauses.append)
    with pytest.raises(ConnectionError, match='it did not come back in 3 attempts'):
        frames.extend(source.frames)
    assert len(frames) == 10
    assert pauses == [0.5, 1.0, 2.0]
    assert server.requests == 4


def test_a_live_stream_that_sends_something_else_meanwhile(serve, live, webm):
    """Sound alone, or a video with an end, is an answer as bad as none."""
    server = serve(live, length=False, others={2: sound(), 3: webm})
    pauses = []
    source = open_source(server.url, reconnects=3, wait=pauses.append)
    assert [next(source.frames).shape for _ in range(20)] == [(48, 64, 3)] * 20
    assert pauses == [0.5, 1.0, 2.0]
    assert server.requests == 4


def test_a_live_stream_that_becomes_a_video_with_an_end(serve, live, webm):
    server = serve(live, length=False, others=dict.fromkeys(range(2, 100), webm))
    frames = []
    with pytest.raises(ConnectionError, match=r'gives a video of 0\.8 s, no live stream; it did not come back'):
        frames.extend(islice(open_source(server.url, reconnects=2, wait=lambda seconds: None).frames, 40))
    assert len(frames) == 10


def jpeg_stream(*sizes):
    head = b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n'
    pictures = [cv2.imencode('.jpg', np.full((*size, 3), 99, np.uint8))[1].tobytes() for size in sizes]
    return b''.join(head % len(picture) + picture + b'\r\n' for picture in pictures)


def test_a_live_stream_with_a_frame_that_is_too_large(serve, monkeypatch):
    """It is a failure like any other, on the first connection and on later ones."""
    monkeypatch.setattr(video_files, 'MOST_PIXELS', 64 * 48)
    server = serve(jpeg_stream(*[(48, 64)] * 3, (96, 64), (48, 64)), length=False)
    pauses, frames = [], []
    source = open_source(server.url, reconnects=3, wait=pauses.append)
    frames = [next(source.frames).shape for _ in range(7)]
    assert frames == [(48, 64, 3)] * 7
    assert pauses == [0.5, 0.5]
    assert server.requests == 3


def test_a_live_stream_whose_frames_have_become_too_large(serve, live, monkeypatch):
    monkeypatch.setattr(video_files, 'MOST_PIXELS', 64 * 48)
    large = jpeg_stream(*[(96, 64)] * 3)
    server = serve(live, length=False, others=dict.fromkeys(range(2, 100), large))
    frames = []
    with pytest.raises(ConnectionError, match=r'has frames of 64x96, and more than 3072 .* did not come back in 2'):
        frames.extend(open_source(server.url, reconnects=2, wait=lambda seconds: None).frames)
    assert len(frames) == 10
    with pytest.raises(ValueError, match='has frames of 64x96, and more than 3072 pixels are not read'):
        open_source(serve(large, length=False).url)  # nothing to wait for


def test_a_pause_can_be_cut_short(serve, live):
    server = serve(live, length=False, failing=range(2, 100))
    assert len(list(open_source(server.url, wait=lambda seconds: True).frames)) == 10
    assert server.requests == 1


def test_no_answer():
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        url = f'127.0.0.1:{silent.getsockname()[1]}'
        with pytest.raises(ConnectionError, match='cannot be opened: Connection refused'):
            open_source(f'http://{url}/a.mp4', timeout=5)
        silent.listen()
        for scheme in ('http', 'rtsp'):
            with pytest.raises(ConnectionError, match='cannot be opened'):
                open_source(f'{scheme}://{url}/a', timeout=0.5)


def test_a_playlist_cannot_reach_local_files(serve, tmp_path):
    write(tmp_path / 'secret.mp4', scene(3))
    playlist = f'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{tmp_path}/secret.mp4\n#EXT-X-ENDLIST\n'
    with pytest.raises(OSError):  # noqa: PT011 - what FFmpeg says differs
        list(open_source(f'{serve(playlist.encode()).url}.m3u8').frames)


class Camera:
    """Gives three frames, then fails; opens again at the second attempt."""

    opened, rate = 0, 0.0

    def __init__(self, number):
        Camera.opened += 1
        self.left = 3

    def isOpened(self):  # noqa: N802 - a name of OpenCV
        return Camera.opened != 2

    def get(self, key):
        return self.rate

    def read(self):
        self.left -= 1
        return self.left >= 0, np.full((8, 8, 3), (0, 0, 10 * Camera.opened), np.uint8)

    def release(self):
        pass


def test_a_camera_that_comes_back(monkeypatch):
    monkeypatch.setattr(live_sources.cv2, 'VideoCapture', Camera)
    source = open_source('/dev/video0', reconnects=2, wait=lambda seconds: None)
    assert brightness(next(source.frames) for _ in range(6)) == [10] * 3 + [30] * 3
    assert source.frame_rate == 25


@pytest.mark.parametrize('stated', [0.0, -1.0, 1e-9, 90000.0, float('nan'), float('inf')])
def test_a_camera_that_states_an_odd_rate(monkeypatch, stated):
    monkeypatch.setattr(Camera, 'opened', 2)
    monkeypatch.setattr(Camera, 'rate', stated)
    monkeypatch.setattr(live_sources.cv2, 'VideoCapture', Camera)
    assert open_source('0').frame_rate == 25
