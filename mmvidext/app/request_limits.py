"""What the server looks at before it reads a request, and what it tells the browser to leave alone."""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mmvidext.app.limits import Limits
from mmvidext.app.upload_folder import UploadFolder

__all__ = ['Application', 'Message', 'Receive', 'RequestLimits', 'Send', 'answer']

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_LARGEST_FORM = 1_000_000  # bytes of a request that is no upload
_AROUND_A_FILE = 10_000  # bytes that a form has beside the file
_ADDRESS = re.compile(r'\s*[a-z][a-z0-9+.-]*:', re.IGNORECASE)
# nothing comes from elsewhere, and no other site may show this page in a frame
_HEADERS = {
    'content-security-policy': "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
}


class RequestLimits:
    """ASGI middleware: bounds the size of every request and the number of uploads.

    It also refuses addresses in the place of files, which the server would download.

    Args:
        app: What answers.
        limits: The bounds.
        folder: Where uploads go.
    """

    def __init__(self, app: Application, *, limits: Limits, folder: UploadFolder) -> None:
        self._app, self._limits, self._folder = app, limits, folder

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return
        if scope['method'] not in ('POST', 'PUT', 'PATCH'):
            await self._app(scope, receive, _with_headers(send))
            return
        is_upload = scope['path'].rstrip('/').endswith('/upload')
        if refusal := self._refusal(dict(scope['headers']), is_upload=is_upload):
            await answer(send, *refusal)
        elif is_upload:
            await self._app(scope, receive, _with_headers(send))
        else:
            body = await _read(receive)
            if _names_an_address(body):
                await answer(send, 400, 'an address in the place of a file is not taken: upload the file')
            else:
                await self._app(scope, _replayed(body, receive), _with_headers(send))

    def _refusal(self, headers: dict[bytes, bytes], *, is_upload: bool) -> tuple[int, str] | None:
        length = headers.get(b'content-length', b'')
        if not length.isdigit():
            return 411, 'the request does not say how long it is'
        if is_upload and int(length) > self._limits.max_bytes + _AROUND_A_FILE:
            return 413, f'the video is larger than {self._limits.max_megabytes:g} MB, and is not taken: make it smaller'
        if not is_upload and int(length) > _LARGEST_FORM:
            return 413, 'the request is too large'
        if is_upload:
            self._folder.remove_older_than(self._limits.keep_seconds)
            if len(self._folder.files()) >= self._limits.max_uploads:
                return 429, 'too many videos wait here: try again in a few minutes'
        return None


async def _read(receive: Receive) -> bytes:
    """Return the body of a request, whose length the server has checked."""
    body = b''
    while True:
        message = await receive()
        body += message.get('body', b'')
        if message['type'] != 'http.request' or not message.get('more_body'):
            return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a body that was read already, then what comes after it."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {'type': 'http.request', 'body': waiting.pop(), 'more_body': False}
        return await receive()

    return again


def _names_an_address(body: bytes) -> bool:
    try:
        return _has_address(json.loads(body))
    except (ValueError, RecursionError):  # no JSON: nothing that names a file
        return False


def _has_address(value: Any) -> bool:
    if isinstance(value, dict):
        path = value.get('path')
        return (isinstance(path, str) and _ADDRESS.match(path) is not None) or any(map(_has_address, value.values()))
    return isinstance(value, list) and any(map(_has_address, value))


async def answer(send: Send, status: int, text: str) -> None:
    """Answer a request with a sentence."""
    headers = [(b'content-type', b'text/plain; charset=utf-8')]
    await _with_headers(send)({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': text.encode()})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, 'headers': [*message.get('headers', ()), *own]}
        await send(message)

    return sending
