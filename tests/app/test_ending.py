"""The page ends while a model is busy: the work stops at the next frame, and nothing of it is left."""

import itertools
import json
import socket
import time
import urllib.request
from importlib.util import find_spec
from threading import Event, Thread

import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmvidext.app.ending import Ending
from mmvidext.app.limits import Limits
from mmvidext.app.recognition import RecognitionTask
from mmvidext.app.server import serve
from mmvidext.app.work import RequestError
from mmvidext.cli.app import app
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video


def test_the_end_waits_for_the_work_so_long_and_lets_no_more_begin():
    ending, working = Ending(), Event()

    def work():
        with ending.work():
            working.set()
            while True:
                ending.check()
                time.sleep(0.01)

    thread = Thread(target=pytest.raises, args=(RequestError, work))
    thread.start()
    assert working.wait(60)
    assert not ending.wait(0.05)
    ending.ask()
    assert ending.wait(60)
    thread.join()
    with pytest.raises(RequestError, match='the page has ended'), ending.work():
        raise AssertionError('it has begun')


class Busy(RecognitionTask):
    """A model that is never done."""

    def __init__(self):
        self.works, self.out = Event(), None

    def run(self, source, out, on_frame):
        self.out = out
        for number in itertools.count():
            on_frame(number)
            out.write_bytes(b'a')
            self.works.set()
            time.sleep(0.01)


def post(address, path, content, content_type='application/json'):
    headers = {'Content-Type': content_type}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return json.load(opener.open(urllib.request.Request(f'{address}gradio_api/{path}', content, headers), timeout=60))


@pytest.mark.skipif(find_spec('gradio') is None, reason='gradio is not installed')
def test_a_page_ends_while_a_model_works(tmp_path):
    write_video(tmp_path / 'a.webm', num_frames=2, size=(64, 48))
    task = Busy()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]

    def start_work(address):
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.webm"\r\n\r\n'
        form = head + (tmp_path / 'a.webm').read_bytes() + b'\r\n--x--\r\n'
        (path,) = post(address, 'upload', form, 'multipart/form-data; boundary=x')
        given = {'path': path, 'meta': {'_type': 'gradio.FileData'}}
        post(address, 'queue/join', json.dumps(dict(data=['busy', given], fn_index=0, session_hash='a')).encode())

    ended = serve(
        {'busy': task},
        {},
        host='127.0.0.1',
        port=port,
        login=None,
        limits=Limits(),
        wait=lambda seconds: task.works.wait(60),
        on_start=start_work,
    )
    assert ended
    assert task.works.is_set()
    assert not task.out.exists()


@pytest.mark.parametrize('ended', [True, False])
def test_the_command_ends_as_the_signal_says_even_if_a_model_is_stuck(monkeypatch, ended):
    left = []
    monkeypatch.setattr('mmvidext.cli.app.open_model', lambda *_: None)
    monkeypatch.setattr('mmvidext.cli.app.StopSignals.exit_if_stopped', lambda _: exit(130))
    monkeypatch.setattr('mmvidext.app.server.serve', lambda *_, **__: ended)
    monkeypatch.setattr('mmvidext.cli.app.os._exit', left.append)
    invoke(app, status=130)
    assert left == ([] if ended else [130])
