import asyncio
import logging
import socket
import urllib.request

import pytest

pytest.importorskip('uvicorn')

from mmvidext.app.http_server import http_server


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        await asyncio.sleep(0.2)  # a page on a loaded machine takes longer
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.complete'})
        return
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'here'})


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def test_a_page_is_served_while_the_block_runs_whatever_proxy_is_set(monkeypatch):
    for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:9')
    port = free_port()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with http_server(application, '127.0.0.1', port) as address:
        assert address == f'http://127.0.0.1:{port}/'
        assert opener.open(address, timeout=60).read() == b'here'
        with pytest.raises(OSError, match=rf'127\.0\.0\.1, port {port}: Address already in use.*: name another --port'):
            http_server(application, '127.0.0.1', port).__enter__()
    with pytest.raises(OSError, match=rf'192\.0\.2\.1, port {port}: Cannot assign.*: name another --host'):
        http_server(application, '192.0.2.1', port).__enter__()  # an address for documentation
    with socket.socket() as again:  # nobody listens any more
        assert again.connect_ex(('127.0.0.1', port)) != 0


def test_a_page_that_cannot_start_is_an_error():
    async def app(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.failed', 'message': 'no'})

    with pytest.raises(RuntimeError, match=r'the server of 127\.0\.0\.1, port \d+ has ended'):
        http_server(app, '127.0.0.1', free_port()).__enter__()


def test_log_files_stay_open(tmp_path):
    handler = logging.FileHandler(tmp_path / 'a.log')
    with http_server(application, '127.0.0.1', free_port()):
        assert handler.stream is not None
    handler.close()
