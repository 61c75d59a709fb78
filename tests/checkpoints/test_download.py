"""Downloads against a server that breaks off, redirects, and serves what it should not."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLError
from urllib.error import URLError
from urllib.request import Request

import pytest

from mmvidext.checkpoints import download as module
from mmvidext.checkpoints.download import cached_file, download, sha256_in_name

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; what is special to a path is in `Handler.do_GET`. `asked` lists path and Range."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.asked = []
        self.etag = '"one"'
        self.length = None  # what Content-Length says instead
        self.breaks = 2  # transfers that end in the middle

    def url(self, path):
        return f'http://127.0.0.1:{self.server_address[1]}/{path}'


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        path, asked = self.path.strip('/'), self.headers.get('Range')
        self.server.asked.append((path, asked))
        if path.startswith('moved'):
            self.send_response(302)
            self.send_header('Location', '/' + path.removeprefix('moved/'))
            self.end_headers()
        elif path.startswith('missing'):
            self.send_error(404)
        elif path.startswith('page'):
            self.answer(b'<html>sign in</html>', 0, 'text/html')
        elif path.startswith('broken') and self.server.breaks:
            self.server.breaks -= 1
            self.answer(CONTENT, self.begin(), stop=30_000)
        elif path.startswith('busy') and self.server.breaks:
            self.server.breaks -= 1
            self.send_error(503)
        else:
            begin = self.begin()
            if begin < len(CONTENT):
                self.answer(CONTENT, begin)
            else:
                self.send_error(416)

    def begin(self):
        if self.headers.get('If-Range') != self.server.etag or self.path.strip('/').startswith('broken_whole'):
            return 0
        return int(self.headers['Range'].removeprefix('bytes=').removesuffix('-'))

    def answer(self, content, begin, kind='application/octet-stream', stop=None):
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header('Content-Range', f'bytes {begin}-{len(content) - 1}/{len(content)}')
        self.send_header('Content-Type', kind)
        self.send_header('ETag', self.server.etag)
        self.send_header('Content-Length', self.server.length or str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin:][:stop])


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / 'checkpoints').rglob('*') if path.is_file() and path.name[0] != '.')


def test_a_file_is_fetched_once_into_the_cache(server, tmp_path):
    path = download(server.url('a%20b.pth?dl=1'), sha256=SHA256)
    assert path == cached_file(server.url('a%20b.pth?dl=1'))
    assert path.read_bytes() == CONTENT
    assert download(server.url('a%20b.pth?dl=1')) == path
    assert len(server.asked) == 1
    assert names(tmp_path) == ['a b.pth']


def test_two_addresses_that_end_alike_are_two_files(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    first, second = (cached_file(f'https://example.org/{run}/latest.pth') for run in ('a', 'b'))
    assert first != second
    assert {first.name, second.name} == {'latest.pth'}
    named = 'resnet50-0676ba61.pth'  # as torch.hub keeps it: one file, wherever it is from
    assert cached_file(f'https://download.pytorch.org/models/{named}') == tmp_path / 'checkpoints' / named
    assert cached_file(f'https://example.org/mirror/{named}') == tmp_path / 'checkpoints' / named


@pytest.mark.parametrize('path', ['..%2F..%2Fa.pth', '%2Ftmp%2Fa.pth', '..%2F..%2Fa-0a0a0a0a.pth', 'b/../a.pth'])
def test_no_address_leads_out_of_the_cache(path, tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    kept = cached_file(f'https://example.org/{path}')
    assert kept.relative_to(tmp_path / 'checkpoints').parts[-1] in ('a.pth', 'a-0a0a0a0a.pth')
    assert '..' not in kept.parts


@pytest.mark.parametrize('path', ['', 'a/..', 'a/%2E%2E', 'a%00b.pth', 'a%0Ab.pth', '.download.lock', 'a' * 246])
def test_an_address_that_ends_with_no_name_is_refused(path, server, tmp_path):
    with pytest.raises(FileNotFoundError, match=rf'/{path} cannot be downloaded: its last part, .*, is no name for'):
        download(server.url(path))
    assert server.asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_has_room_for_its_parts(server):
    assert download(server.url('a' * 245)).read_bytes() == CONTENT


def test_a_transfer_that_breaks_off_is_continued(server, tmp_path):
    path = download(server.url('broken.pth'), sha256=SHA256[:8], wait=0)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, 'bytes=30000-', 'bytes=60000-']
    assert names(tmp_path) == ['broken.pth']


def test_an_encrypted_transfer_that_breaks_off_is_tried_again(server, monkeypatch):
    copy, errors = module._copy, [SSLError('EOF occurred in violation of protocol')]

    def break_off_once(*arguments, **kwargs):
        if errors:
            raise errors.pop()
        copy(*arguments, **kwargs)

    monkeypatch.setattr(module, '_copy', break_off_once)
    assert download(server.url('a.pth'), wait=0).read_bytes() == CONTENT


def test_the_next_call_goes_on_where_the_last_one_gave_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_TRIES', 1)
    with pytest.raises(FileNotFoundError, match='the 30000 bytes that came are kept, and are continued'):
        download(server.url('broken.pth'))
    server.breaks = 0
    assert download(server.url('broken.pth')).read_bytes() == CONTENT
    assert server.asked[-1] == ('broken.pth', 'bytes=30000-')


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(server, monkeypatch):
    monkeypatch.setattr(module, '_TRIES', 1)
    with pytest.raises(FileNotFoundError):
        download(server.url('broken.pth'))
    server.breaks, server.etag = 0, '"two"'
    assert download(server.url('broken.pth'), sha256=SHA256).read_bytes() == CONTENT


def test_a_file_that_had_come_whole_is_fetched_anew(server):
    """The process was killed before the file had its name."""
    path = cached_file(server.url('a.pth'))
    path.parent.mkdir(parents=True)
    path.with_name('a.pth.part').write_bytes(CONTENT)
    path.with_name('a.pth.part.etag').write_text(server.etag)
    assert download(server.url('a.pth'), wait=0).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [f'bytes={len(CONTENT)}-', None]


@pytest.mark.parametrize('etag', [b'\xff\xfe', b'"one"\n', b'"\x00"', b''])
def test_a_part_with_a_damaged_tag_is_fetched_anew(etag, server):
    path = cached_file(server.url('a.pth'))
    path.parent.mkdir(parents=True)
    path.with_name('a.pth.part').write_bytes(b'another')
    path.with_name('a.pth.part.etag').write_bytes(etag)
    assert download(server.url('a.pth'), wait=0).read_bytes() == CONTENT


def test_a_tag_with_any_letters_is_sent_back(server):
    server.etag = '"caf\xe9"'
    assert download(server.url('broken.pth'), wait=0).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, 'bytes=30000-', 'bytes=60000-']


@pytest.mark.parametrize('length', ['abc', '-5', '9' * 5000])
def test_a_length_that_is_no_number_is_no_length(length, server):
    server.length = length
    assert download(server.url('a.pth'), wait=0).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all_again(server):
    assert download(server.url('broken_whole.pth'), wait=0).read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again(server):
    assert download(server.url('busy.pth'), wait=0).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_redirects_are_followed(server):
    assert download(server.url('moved/moved/a.pth'), sha256=SHA256).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ['moved/moved/a.pth', 'moved/a.pth', 'a.pth']


def test_no_redirect_leads_from_https_to_http():
    with pytest.raises(URLError, match='redirected from https to http://b/c'):
        module._SafeRedirects().redirect_request(Request('https://a/c'), None, 302, '', {}, 'http://b/c')


@pytest.mark.parametrize(('path', 'sha256'), [('a.pth', '00ff'), ('a-0000000a.pth', '')])
def test_a_file_of_another_hash_is_not_kept(server, tmp_path, path, sha256):
    with pytest.raises(ValueError, match=f'has the SHA-256 {SHA256}, which should begin with'):
        download(server.url(path), sha256=sha256)
    assert names(tmp_path) == []


@pytest.mark.parametrize(('path', 'reason'), [('missing.pth', 'HTTP Error 404'), ('page.pth', 'it is a web page')])
def test_what_is_not_there_is_asked_for_once(server, tmp_path, path, reason):
    with pytest.raises(FileNotFoundError, match=f'{path} cannot be downloaded: {reason}'):
        download(server.url(path))
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='cannot be downloaded: Connection refused'):
        download('http://127.0.0.1:9/a.pth', tmp_path / 'a.pth')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('r2plus1d_18-91a641e6.pth', '91a641e6'),
        ('pspnet_20200605_003338-2966598c.pth', '2966598c'),
        ('model-20200605.pth', ''),
        ('model.pth', ''),
    ],
)
def test_the_hash_in_a_name(name, expected):
    assert sha256_in_name(name) == expected


@pytest.mark.parametrize(
    'address',
    [
        'https://localhost/a b.pth',
        'https://[::1/a.pth',
        'http://localhost:port/a.pth',
        f'http://{"a" * 64}.org/a.pth',
        'https://localhost/\xe9.pth',
    ],
)
def test_what_is_no_address_is_not_asked_for_again(address, tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    monkeypatch.setattr('time.sleep', lambda seconds: pytest.fail('it was tried again'))
    with pytest.raises(FileNotFoundError, match=re.escape(f'{address} cannot be downloaded: ')):
        download(address)
