"""What is refused before it is read, and the folder that everything goes into."""

import asyncio
import json
import os
import time

import pytest

from mmvidext.app.limits import Limits
from mmvidext.app.login_limits import LoginLimits
from mmvidext.app.request_limits import RequestLimits
from mmvidext.app.upload_folder import UploadFolder

LIMITS = Limits(max_megabytes=1, max_uploads=2)


@pytest.fixture
def folder():
    with UploadFolder() as folder:
        yield folder


def request(folder, path, body=b'', *, method='POST', length=None, limits=LIMITS):
    """Return status, headers and body of an answer; what is let through is answered with its own body."""
    sent, parts = [], [body[: len(body) // 2], body[len(body) // 2 :]]

    async def echo(scope, receive, send):
        read, more = b'', True
        while more:
            message = await receive()
            read, more = read + message['body'], message['more_body']
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': read})

    async def receive():
        return {'type': 'http.request', 'body': parts.pop(0), 'more_body': bool(parts)}

    async def send(message):
        sent.append(message)

    length = str(len(body)) if length is None else length
    headers = [(b'content-length', length.encode())] if length else []  # '': none, as of a chunked request
    scope = dict(type='http', method=method, path=path, headers=headers)
    asyncio.run(RequestLimits(echo, limits=limits, folder=folder)(scope, receive, send))
    return sent[0]['status'], dict(sent[0]['headers']), sent[1]['body']


def test_a_form_goes_through_whole_and_forbids_what_comes_from_elsewhere(folder):
    body = json.dumps({'data': [{'path': '/tmp/a.mp4'}, 'http://of.a.text']}).encode()
    status, headers, answer = request(folder, '/gradio_api/queue/join', body)
    assert (status, answer) == (200, body)
    assert b"default-src 'self'" in headers[b'content-security-policy']


@pytest.mark.parametrize('path', ['http://10.0.0.1/a.mp4', ' file:///etc/passwd', 'FTP://a'])
def test_an_address_in_the_place_of_a_file_is_refused(folder, path):
    body = json.dumps({'data': [[{'value': {'path': path}}]]})
    for text in (body, body.replace('h', '\\u0068')):  # JSON may escape what it likes
        status, _, answer = request(folder, '/gradio_api/queue/join', text.encode())
        assert (status, answer) == (400, b'an address in the place of a file is not taken: upload the file')


def try_password(limits, clients, *, right=(), path='/login'):
    """Send a wrong password from each client, but for those whose number is in ``right``; return the statuses."""
    sent, number = [], [0]

    async def check(scope, receive, send):
        status = 200 if number[0] in right else 400
        await send({'type': 'http.response.start', 'status': status, 'headers': []})
        await send({'type': 'http.response.body', 'body': b''})

    async def send(message):
        sent.append(message)

    app = LoginLimits(check, limits=limits)
    for number[0], client in enumerate(clients):
        asyncio.run(app(dict(type='http', method='POST', path=path, client=(client, 1)), None, send))
    return [message['status'] for message in sent if 'status' in message]


def test_wrong_passwords_are_counted_by_address():
    limits = Limits(max_logins=2, login_wait=60)
    assert try_password(limits, ['a', 'a', 'a', 'b', 'a']) == [400, 400, 429, 400, 429]
    assert try_password(limits, ['a', 'a', 'a', 'a'], right={1}) == [400, 200, 400, 429]
    assert try_password(limits, ['a'] * 3, path='/config') == [400] * 3
    many = [f'10.0.0.{number}' for number in range(41)]  # 20 times as many from all together
    assert try_password(limits, many) == [*[400] * 40, 429]
    same = ['2001:db8::1', '2001:db8::2:3', '2001:db8:0:0:4::', '2001:db8:0:1::']
    assert try_password(limits, same) == [400, 400, 429, 400]


def test_wrong_passwords_are_forgotten(monkeypatch):
    now = [0]
    monkeypatch.setattr('mmvidext.app.login_limits.time.monotonic', lambda: now[0])

    def clients():
        for now[0] in (0, 20, 49, 51):
            yield 'a'

    assert try_password(Limits(max_logins=1, login_wait=50), clients()) == [400, 429, 429, 400]


def test_sizes(folder):
    assert request(folder, '/gradio_api/upload', length='1000000')[0] == 200
    status, _, answer = request(folder, '/gradio_api/upload', length='1020000')
    assert (status, answer) == (413, b'the video is larger than 1 MB, and is not taken: make it smaller')
    assert request(folder, '/gradio_api/queue/join', length='1000001')[0] == 413
    for length in ('', '-1', 'a'):
        assert request(folder, '/gradio_api/upload', length=length)[0] == 411


def test_the_number_of_uploads(folder):
    paths = [folder.new_file('.mp4') for _ in range(2)]
    for path in paths:
        assert request(folder, '/gradio_api/upload', b'a')[0] == 200
        path.write_bytes(b'a')
    status, _, answer = request(folder, '/gradio_api/upload', b'a')
    assert (status, answer) == (429, b'too many videos wait here: try again in a few minutes')
    assert request(folder, '/gradio_api/queue/join', b'{}')[0] == 200
    long_ago = time.time() - LIMITS.keep_seconds - 1
    os.utime(paths[0], (long_ago, long_ago))  # one that nobody came back for
    assert request(folder, '/gradio_api/upload', b'a')[0] == 200
    assert folder.files() == paths[1:]
    assert not paths[0].parent.exists()


def test_only_what_is_in_the_folder_is_found(folder, tmp_path):
    (tmp_path / 'a.mp4').touch()
    (folder.path / 'link.mp4').symlink_to(tmp_path / 'a.mp4')
    inside = folder.new_file('.mp4')
    inside.touch()
    assert folder.find(str(inside)) == inside
    for path in (tmp_path / 'a.mp4', folder.path / 'link.mp4', folder.path / '../a', folder.path / 'no.mp4'):
        with pytest.raises(ValueError, match='not here any more: upload it again'):
            folder.find(str(path))


def test_the_folder_is_private_and_goes_with_its_block():
    with UploadFolder() as folder:
        assert folder.path.stat().st_mode & 0o077 == 0
        folder.new_file('.mp4').touch()
    assert not folder.path.exists()
