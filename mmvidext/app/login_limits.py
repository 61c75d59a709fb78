"""How often somebody may try a password."""

import time
from collections import deque
from collections.abc import MutableMapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from mmvidext.app.limits import Limits
from mmvidext.app.request_limits import Application, Message, Receive, Send, answer

__all__ = ['LoginLimits']

_TIMES_AS_MANY = 20  # of all addresses together, so that many of them do not help


class LoginLimits:
    """ASGI middleware: refuses further passwords from an address that has sent too many wrong ones, for a while.

    Args:
        app: What answers; a right password is answered with the status 200.
        limits: How many, and how long.
    """

    def __init__(self, app: Application, *, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._wrong: deque[tuple[float, str]] = deque()  # time and address, the oldest first

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope['type'] != 'http' or scope['method'] != 'POST' or scope['path'].rstrip('/') != '/login':
            await self._app(scope, receive, send)
            return
        address = _address(scope)
        if self._is_refused(address):
            await answer(send, 429, f'too many wrong passwords: wait {self._limits.login_wait:g} s')
            return
        attempt = (time.monotonic(), address)
        self._wrong.append(attempt)  # until it turns out to be right: many at a time do not help either

        async def sending(message: Message) -> None:
            if message['type'] == 'http.response.start' and message['status'] == 200 and attempt in self._wrong:
                self._wrong.remove(attempt)
            await send(message)

        await self._app(scope, receive, sending)

    def _is_refused(self, address: str) -> bool:
        while self._wrong and self._wrong[0][0] < time.monotonic() - self._limits.login_wait:
            self._wrong.popleft()
        own = sum(one == address for _, one in self._wrong)
        return own >= self._limits.max_logins or len(self._wrong) >= _TIMES_AS_MANY * self._limits.max_logins


def _address(scope: MutableMapping[str, Any]) -> str:
    """Return who asks; the addresses that one customer of a provider has in IPv6 count as one."""
    host = str((scope.get('client') or ('',))[0])
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return address.exploded[:19] if isinstance(address, IPv6Address) else host
