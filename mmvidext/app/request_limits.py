"""What the server looks at before it reads a request, and what it tells the browser to leave alone."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from mmvidext.app.limits import Limits
from mmvidext.app.upload_folder import UploadFolder

__all__ = ['Application', 'Message', 'Receive', 'RequestLimits', 'Send', 'answer']

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_LARGEST_FORM = 1_000_000  # bytes of a request that is no upload
_SECONDS_OF_SILENCE = 60.0  # after which an upload counts as broken off, while there are others
_AROUND_A_FILE = 10_000  # bytes that a form has beside the file
_UPLOAD, _LOGIN = '/gradio_api/upload', '/login'  # what else is posted is JSON
_FETCHED = re.compile(r'/file[=/]https?://', re.IGNORECASE)  # Gradio would fetch it
# nothing comes from elsewhere, and no other site may show this page in a frame
_HEADERS = {
    'content-security-policy': "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
}


class RequestLimits:
    """ASGI middleware: bounds the size of every request and the number of uploads, and lets them name uploads only.

    Gradio copies whatever file a request names into the folder of the uploads, and downloads an address. It does not
    ask whose file that is where a page is part of another application, as ours is.

    Args:
        app: What answers.
        limits: The bounds.
        folder: Where uploads go.
    """

    def __init__(self, app: Application, *, limits: Limits, folder: UploadFolder) -> None:
        self._app, self._limits, self._folder = app, limits, folder
        self._num_uploading = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return
        path = scope['path'].rstrip('/')
        if scope['method'] not in ('POST', 'PUT', 'PATCH'):
            if _FETCHED.search(path):
                await answer(send, 400, 'an address in the place of a file is not taken')
            else:
                await self._app(scope, receive, _with_headers(send))
        elif refusal := self._refusal(dict(scope['headers']), is_upload=path == _UPLOAD):
            await answer(send, *refusal)
        elif path == _UPLOAD:
            await self._upload(scope, receive, _with_headers(send))
        elif path == _LOGIN:
            await self._app(scope, receive, _with_headers(send))
        else:
            body = await _read(receive)
            try:
                for named in _named_files(body):
                    self._folder.find(named)
            except ValueError as error:
                await _answer_form(send, str(error))
            else:
                await self._app(scope, _replayed(body, receive), _with_headers(send))

    async def _upload(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Let an upload through, and note the files that the answer gives to the browser before it has them."""
        status, body = 0, b''

        async def sending(message: Message) -> None:
            nonlocal status, body
            status = message.get('status', status)
            body += message.get('body', b'')
            if message['type'] == 'http.response.body' and not message.get('more_body') and status == 200:
                for path in json.loads(body):
                    self._folder.add(Path(path))
            await send(message)

        self._num_uploading += 1
        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:  # a tab was closed: nobody is left to answer
            pass
        finally:
            self._num_uploading -= 1
            if not self._num_uploading:  # then what is there broke off
                self._folder.remove_parts()

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
            self._folder.remove_parts(_SECONDS_OF_SILENCE)
            # those that have just begun have no file yet, and those that broke off have one
            on_the_way = max(len(self._folder.parts()), self._num_uploading)
            if self._folder.num_uploads() + on_the_way >= self._limits.max_uploads:
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


def _named_files(body: bytes) -> Iterator[str]:
    """Yield each path of a form, however deep it is: Gradio takes a dict with a ``path`` for a file.

    Raises:
        ValueError: If the form is no JSON, so that it cannot be known what it names.
    """
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError) as error:
        raise ValueError('the request is no JSON, and is not taken') from error
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get('path'), str):
                yield value['path']
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


async def answer(send: Send, status: int, text: str, *, content_type: str = 'text/plain; charset=utf-8') -> None:
    """Answer a request with a sentence."""
    headers = [(b'content-type', content_type.encode())]
    await _with_headers(send)({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': text.encode()})


async def _answer_form(send: Send, text: str) -> None:
    """Refuse a form with a sentence that the page shows."""
    await answer(send, 400, json.dumps({'detail': text}), content_type='application/json')


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, 'headers': [*message.get('headers', ()), *own]}
        await send(message)

    return sending
