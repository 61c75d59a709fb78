"""Serve the page: on this machine only, or to others with a password."""

import hmac
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mmvidext.app.child_frames import start_frame_server
from mmvidext.app.ending import Ending
from mmvidext.app.http_server import http_server
from mmvidext.app.limits import Limits
from mmvidext.app.tasks import Task
from mmvidext.app.upload_folder import UploadFolder

__all__ = ['SHORTEST_PASSWORD', 'is_this_machine', 'serve']

SHORTEST_PASSWORD = 8
_SECONDS_BETWEEN_CLEANINGS = 30.0
_STYLE = '.prose td + td, .prose th + th { white-space: nowrap; }'  # numbers, beside names of any length
_SECONDS_TO_END = 20.0  # for the frame that a model has at the end


def is_this_machine(host: str) -> bool:
    """Whether only programs on this machine reach a host name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def serve(
    tasks: Mapping[str, Task],
    work_dirs: Mapping[str, Path],
    *,
    host: str,
    port: int,
    login: tuple[str, str] | None,
    limits: Limits,
    wait: Callable[[float], object],
    on_start: Callable[[str], Any],
) -> bool:
    """Serve the page until told to stop; what was uploaded is gone afterwards.

    Args:
        tasks: The models, by the names that the page shows.
        work_dirs: Work directories of trainings, by such names.
        host: Address to listen on.
        port: Its port.
        login: Name and password of whoever may use the page; None lets everybody on this machine.
        limits: What is refused.
        wait: Called with seconds; a true result ends the server.
        on_start: Called with the address of the page.

    Returns:
        Whether all work has ended. Where not, a model is still busy in its thread after 20 s.

    Raises:
        ValueError: If others can reach the page and there is no password of 8 characters or more.
        OSError: If the port is taken, or the address is none of this machine.
        ImportError: If Gradio is not installed.
    """
    if login is None and not is_this_machine(host):
        raise ValueError(f'others can reach {host}: a password is needed')
    if login is not None and len(login[1]) < SHORTEST_PASSWORD:
        raise ValueError(f'the password must have {SHORTEST_PASSWORD} characters or more')
    with UploadFolder() as folder, _settings(folder):
        try:
            from mmvidext.app.page import build_page
        except ImportError as error:
            raise ImportError(f"the page needs Gradio: {error}; pip install 'mmvidext[app]'") from error

        start_frame_server()
        ending = Ending()
        page = build_page(tasks, work_dirs, folder=folder, limits=limits, ending=ending)
        with http_server(_application(page, login, limits, folder), host, port) as address:
            try:
                on_start(address)
                while not wait(_SECONDS_BETWEEN_CLEANINGS):
                    folder.remove_older_than(limits.keep_seconds)
            finally:
                ending.ask()
                page.close(verbose=False)
        return ending.wait(_SECONDS_TO_END)


@contextmanager
def _settings(folder: UploadFolder) -> Iterator[None]:
    """Set what Gradio reads from the environment: where files go, and that nothing is reported to anybody."""
    own = dict(GRADIO_TEMP_DIR=str(folder.path), GRADIO_ANALYTICS_ENABLED='False', HF_HUB_DISABLE_TELEMETRY='1')
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _application(page: Any, login: tuple[str, str] | None, limits: Limits, folder: UploadFolder) -> Any:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware import Middleware

    from mmvidext.app.login_limits import LoginLimits
    from mmvidext.app.request_limits import RequestLimits

    def may_enter(name: str, password: str) -> bool:
        given = f'{name}\0{password}'.encode()
        return login is not None and hmac.compare_digest(given, '\0'.join(login).encode())

    fonts = ['system-ui', 'sans-serif']  # those of the system: nothing is fetched from elsewhere
    return gr.mount_gradio_app(
        FastAPI(openapi_url=None),  # no pages of its own, which would ask for no password
        page,
        '/',
        auth=may_enter if login else None,
        auth_message=f'After {limits.max_logins} wrong passwords, wait {limits.login_wait:g} seconds.',
        app_kwargs=dict(
            middleware=[
                Middleware(RequestLimits, limits=limits, folder=folder),
                Middleware(LoginLimits, limits=limits),
            ]
        ),
        max_file_size=limits.max_bytes,
        css=_STYLE,
        theme=gr.themes.Default(font=fonts, font_mono=['monospace']),
        footer_links=[],
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        show_error=False,
    )
