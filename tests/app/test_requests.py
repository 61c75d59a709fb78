"""What is refused before it is read, and the folder that everything goes into."""

import asyncio
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import ClientDisconnect

from mmvidext.app.limits import Limits
from mmvidext.app.login_limits import LoginLimits
from mmvidext.app.request_limits import RequestLimits
from mmvidext.app.upload_folder import UploadFolder

LIMITS = Limits(max_megabytes=1, max_uploads=2)


@pytest.fixture
def folder():
    with UploadFolder() as folder:
        yield folder


def request(folder, path, body=b'[]', *, method='POST', length=None, limits=LIMITS, app=None):
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
    asyncio.run(RequestLimits(app or echo, limits=limits, folder=folder)(scope, receive, send))
    return sent[0]['status'], dict(sent[0]['headers']), sent[1]['body']


def uploaded(folder, name):
    """Return a new upload of the folder, at the path that Gradio gives to it and to any that is equal."""
    path = folder.path / f'{hash(name):x}' / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'a')
    return path


def upload(folder, *paths):
    """Return the status for an upload whose answer names these paths."""
    return request(folder, '/gradio_api/upload', json.dumps([str(path) for path in paths]).encode())[0]


def test_a_form_goes_through_whole_and_forbids_what_comes_from_elsewhere(folder):
    body = json.dumps({'data': [{'path': str(uploaded(folder, 'a.mp4'))}, 'http://of.a.text', {'path': 5}]}).encode()
    status, headers, answer = request(folder, '/gradio_api/queue/join', body)
    assert (status, answer) == (200, body)
    assert b"default-src 'self'" in headers[b'content-security-policy']
    login = b'username=a&password=b'  # the one form that is no JSON
    assert request(folder, '/login', login)[::2] == (200, login)


@pytest.mark.parametrize(
    'path',
    ['http://10.0.0.1/a.mp4', ' file:///etc/passwd', 'FTP://a', '/dev/zero', __file__, '', '.', 'a.mp4', '\0', '\ud800']
    + [
        f'FOLDER{tail}'
        for tail in ('', '/no.mp4', '/../a.mp4', '/link.mp4', '-other/a.mp4', '/\0', '/\ud800', '/' + 'a' * 300)
    ],
)
def test_whatever_is_no_upload_is_refused_in_the_place_of_a_file(folder, path):
    (folder.path / 'link.mp4').symlink_to(__file__)
    path = path.replace('FOLDER', str(folder.path))
    body = json.dumps({'data': [[{'value': {'path': path}}]]})
    for text in (body, body.replace('h', '\\u0068')):  # JSON may escape what it likes
        for url in ('/gradio_api/queue/join', '/gradio_api/run/upload'):
            status, _, answer = request(folder, url, text.encode())
            assert (status, json.loads(answer)) == (400, {'detail': 'the video is not here any more: upload it again'})


@pytest.mark.parametrize('body', [b'', b'--a\r\n\r\n--a--', b'{"x": ' + b'[' * 10**5 + b']' * 10**5 + b'}'])
def test_a_form_that_hides_what_it_names_is_refused(folder, body):
    status, _, answer = request(folder, '/gradio_api/process_recording', body)
    assert (status, json.loads(answer)) == (400, {'detail': 'the request is no JSON, and is not taken'})


def test_no_depth_hides_a_file(folder):
    body = b'[' * 900 + b'{"path": "/etc/passwd"}' + b']' * 900
    assert request(folder, '/gradio_api/queue/join', body)[0] == 400


@pytest.mark.parametrize(
    ('url', 'status'), [('/file=http://a/b', 400), ('/file/https://a', 400), ('/file=/tmp/a', 200)]
)
def test_an_address_is_not_fetched(folder, url, status):
    assert request(folder, f'/gradio_api{url}', method='GET')[0] == status


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
    paths = [uploaded(folder, name) for name in ('a.mp4', 'b.mp4')]
    for path in paths:
        assert upload(folder, path) == 200
    status, _, answer = request(folder, '/gradio_api/upload')
    assert (status, answer) == (429, b'too many videos wait here: try again in a few minutes')
    assert request(folder, '/gradio_api/queue/join', b'{}')[0] == 200
    long_ago = time.time() - LIMITS.keep_seconds - 1
    os.utime(paths[0], (long_ago, long_ago))  # one that nobody came back for
    assert upload(folder) == 200
    assert folder.files() == paths[1:]
    assert not paths[0].parent.exists()


def test_results_are_no_uploads_but_parts_of_uploads_are(folder):
    for _ in range(3):
        folder.new_file('.mp4').write_bytes(b'a')
    assert upload(folder) == 200
    parts = [folder.path / name for name in ('tmp1', 'tmp2')]
    for part in parts:
        part.touch()
    assert upload(folder) == 429
    long_ago = time.time() - 61
    os.utime(parts[0], (long_ago, long_ago))  # nothing was added to it for a minute
    assert upload(folder) == 200
    assert not parts[0].exists()


def test_nothing_is_left_of_an_upload_that_breaks_off(folder):
    async def left_by_the_browser(scope, receive, send):
        (folder.path / 'tmp1').write_bytes(b'a')
        raise ClientDisconnect

    async def call():
        scope = dict(type='http', method='POST', path='/gradio_api/upload', headers=[(b'content-length', b'5')])
        await RequestLimits(left_by_the_browser, limits=LIMITS, folder=folder)(scope, None, None)

    asyncio.run(call())
    assert folder.parts() == []


def test_uploads_that_have_just_begun_are_counted(folder):
    statuses = []

    async def begin_more(scope, receive, send):
        async def note(message):
            statuses.append(message.get('status'))

        if len(statuses) < 10:
            await limited(scope, receive, note)
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': b'[]'})

    limited = RequestLimits(begin_more, limits=LIMITS, folder=folder)
    request(folder, '/gradio_api/upload', app=limited)
    assert statuses == [429, None, 200, None]  # the third, then what the second one gets


def test_equal_uploads_share_a_file_until_the_work_on_the_last_one_ends(folder):
    path = uploaded(folder, 'a.mp4')
    for _ in range(2):
        assert upload(folder, path) == 200
    assert upload(folder) == 429
    folder.release(folder.find(str(path)))
    assert path.exists()
    assert upload(folder) == 200
    folder.release(folder.find(str(path)))
    assert folder.files() == []
    assert upload(folder, uploaded(folder, 'a.mp4')) == 200  # counted anew
    folder.release(path)
    assert folder.files() == []


def test_only_what_is_in_the_folder_is_found(folder, tmp_path):
    (tmp_path / 'a.mp4').touch()
    (folder.path / 'link.mp4').symlink_to(tmp_path / 'a.mp4')
    inside = folder.new_file('.mp4')
    inside.touch()
    assert folder.find(str(inside)) == inside
    for path in (tmp_path / 'a.mp4', folder.path / 'link.mp4', folder.path / '../a', folder.path / 'no.mp4'):
        with pytest.raises(ValueError, match='not here any more: upload it again'):
            folder.find(str(path))


def test_a_file_may_be_removed_by_several_at_a_time(folder):
    paths = [folder.new_file('.mp4') for _ in range(40)]
    for path in paths:
        path.touch()

    def remove_all(_):
        for path in paths:
            folder.remove(path)
            folder.remove_older_than(1000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remove_all, range(4)))
    assert list(folder.path.iterdir()) == []


def test_the_folder_is_private_and_goes_with_its_block():
    with UploadFolder() as folder:
        assert folder.path.stat().st_mode & 0o077 == 0
        folder.new_file('.mp4').touch()
    assert not folder.path.exists()
