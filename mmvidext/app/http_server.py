"""Serve an application over HTTP in a thread."""

import errno
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

__all__ = ['http_server']

_SECONDS_TO_END = 5  # for requests in progress, when the server ends


@contextmanager
def http_server(app: Any, host: str, port: int) -> Iterator[str]:
    """Serve an application while the block runs, however long the machine takes to start it.

    Gradio's own server gives up after 5 seconds, and after a request of 3 seconds to itself, which a proxy of the
    environment may answer.

    Args:
        app: An ASGI application.
        host: Address to listen on.
        port: Its port.

    Yields:
        The address of the application.

    Raises:
        OSError: If the port is taken, or the address is none of this machine.
        RuntimeError: If the application cannot start.
    """
    import uvicorn

    try:
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        option = '--port' if error.errno in (errno.EADDRINUSE, errno.EACCES) else '--host'
        raise OSError(f'nothing can listen on {host}, port {port}: {error.strerror}: name another {option}') from error
    # without log_config: a configuration of logging closes the log files of this process
    config = uvicorn.Config(app, log_config=None, log_level=logging.WARNING, timeout_graceful_shutdown=_SECONDS_TO_END)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs=dict(sockets=[listening]), daemon=True)
    with listening:
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.02)
            if not server.started:
                raise RuntimeError(f'the server of {host}, port {port} has ended; the log above says why')
            name = 'localhost' if host == '0.0.0.0' else host
            yield f'http://{f"[{name}]" if ":" in name else name}:{port}/'
        finally:
            server.should_exit = True
            thread.join(2 * _SECONDS_TO_END)
