"""The page in a real browser, which Playwright drives."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')
pytest.importorskip('playwright')

from playwright import sync_api

from mmvidext.app.limits import Limits
from mmvidext.app.server import is_this_machine, serve
from mmvidext.cli.app import PASSWORD, ask_password
from tests.app.detector import write_detector
from tests.cli.bad_files import flow, recognition
from tests.datasets.videos import write_video

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
ARGUMENTS = (
    '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
    '--disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream'
)
WAIT = 120_000  # milliseconds
WITH_DETECTION = find_spec('mmdet') is not None

# its import takes seconds, and the page is another process
pytestmark = pytest.mark.skipif(find_spec('gradio') is None, reason='gradio is not installed')
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium: apt-get install -y chromium')


def start(folder, *arguments, **environment):
    """Start the page and return its process and address."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, '-m', 'mmvidext', 'app', *arguments, '--port', str(port), '--device', 'cpu'],
        cwd=folder,
        env={**os.environ, 'TMPDIR': str(folder / 'tmp'), 'OMP_NUM_THREADS': '1', **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if match := re.search(r'The page is at (http://\S+)/;', line):
            return process, match[1]
    raise RuntimeError(''.join(lines))


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """The folder of the server and its address, with a model of each kind but segmentation, and a training."""
    folder = tmp_path_factory.mktemp('server')
    (folder / 'tmp').mkdir()
    write_video(folder / 'good.webm', num_frames=12, size=(64, 48))
    (folder / 'broken.mp4').write_bytes((folder / 'good.webm').read_bytes()[:700])
    for name, config in dict(recognition=recognition(folder), flow=flow()).items():
        config.dump(folder / f'{name}.py')
    log = folder / 'training/20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    rows = [dict(loss=2.0, epoch=1, step=1), {'acc/top1': 0.5, 'step': 1}]
    log.write_text(''.join(f'{json.dumps(row)}\n' for row in rows))
    models = ['recognition.py=none', 'flow.py=none', *([write_detector(folder)] if WITH_DETECTION else [])]
    process, address = start(folder, *models, '--work-dir', 'training', MMVIDEXT_APP_PASSWORD='long enough')
    yield folder, address
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert 'Traceback' not in process.stdout.read()
    assert list((folder / 'tmp').glob('mmvidext-app-*')) == []


def uploads(folder):
    return [path.name for path in (folder / 'tmp').rglob('*') if path.suffix in ('.webm', '.mp4')]


def text_of(tab):
    return tab.locator('body').inner_text()


def record(tab, panel):
    """Record a few frames with the webcam, which Chromium pretends to have."""
    panel.get_by_label('Capture from camera').click()
    panel.get_by_text('Click to Access Webcam').click()
    panel.get_by_label('start recording').click()
    preview = panel.locator('video:visible').first
    frames = 'one => one.getVideoPlaybackQuality().totalVideoFrames'
    before = preview.evaluate(frames)
    while preview.evaluate(frames) < before + 20:
        tab.wait_for_timeout(200)
    panel.get_by_text('Stop', exact=True).click()
    panel.get_by_label('Clear').wait_for(timeout=WAIT)


@in_a_browser
def test_a_visit(page):
    """Upload a clip, see the prediction, switch tabs, draw curves, record with the webcam, upload a broken file."""
    folder, address = page
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        tab = browser.new_page()
        hosts, problems = set(), []
        tab.on('request', lambda request: hosts.add(request.url.split('/')[2] if '//' in request.url else ''))
        tab.on('pageerror', lambda error: problems.append(str(error)))
        tab.goto(address)
        tab.get_by_label('username').fill('mmvidext')
        tab.get_by_label('password').fill('long enough')
        tab.get_by_role('button', name='Login').click()
        panel = tab.get_by_role('tabpanel').filter(visible=True)

        def run(clip):
            panel.locator('input[type=file]').first.set_input_files(folder / clip)
            panel.get_by_text('Drop Video Here').wait_for(state='hidden', timeout=WAIT)
            panel.get_by_role('button', name='Run', exact=True).click()

        run('good.webm')
        shown = panel.locator('video[src*="result"]')
        shown.wait_for(timeout=WAIT)
        tab.wait_for_function('() => [...document.querySelectorAll("video")].some(one => one.videoWidth >= 320)')
        assert '12 frames, 2 looks' in panel.inner_text()
        assert len(re.findall(r'class \d\s+\d+\.\d%', panel.inner_text())) == 5
        assert panel.locator('img').count() == 1  # the plot; this model has no MotionSqueeze
        assert uploads(folder) != []
        assert 'good.webm' not in uploads(folder)

        tab.get_by_role('tab', name='Optical flow').click()
        run('good.webm')
        shown.wait_for(timeout=WAIT)
        assert '11 pairs of frames; the longest motion is' in panel.inner_text()

        if WITH_DETECTION:
            tab.get_by_role('tab', name='Detection').click()
            run('good.webm')
            shown.wait_for(timeout=WAIT)
            assert '12 frames, 4 of them key frames' in panel.inner_text()
            assert re.search(r'class \d+\s+12\s+0\.\d\d', panel.inner_text())

        run('broken.mp4')
        tab.get_by_text(re.compile('The video.* (is truncated or damaged|cannot be decoded)')).wait_for(timeout=WAIT)
        assert str(folder) not in text_of(tab)
        assert 'tmp' not in text_of(tab)
        assert not {'good.webm', 'broken.mp4'} & set(uploads(folder))
        panel.get_by_text('Drop Video Here').wait_for(timeout=WAIT)
        assert not re.search(r'\d+ (frame|pair)', panel.inner_text())  # of the video before
        assert shown.count() == 0

        tab.get_by_role('tab', name='Recognition').click()
        record(tab, panel)
        panel.get_by_role('button', name='Run', exact=True).click()
        # the upload before had 12 frames and 2 looks
        tab.get_by_text(re.compile(r'^(?!12 )\d+ frames, \d+ looks')).wait_for(timeout=WAIT)
        tab.wait_for_function('() => [...document.querySelectorAll("video")].some(one => one.videoWidth >= 640)')
        assert not [name for name in uploads(folder) if 'sample' in name]

        tab.get_by_role('tab', name='Training curves').click()
        panel.get_by_role('button', name='Draw').click()
        panel.locator('img').wait_for(timeout=WAIT)

        browser.close()
    assert hosts <= {address.removeprefix('http://'), ''}
    assert problems == []


def test_nothing_is_there_without_the_password(page):
    _, address = page

    def status(path, body=None, **headers):
        try:
            return urllib.request.urlopen(urllib.request.Request(address + path, body, headers)).status
        except urllib.error.HTTPError as error:
            return error.code

    for path in ('/config', '/gradio_api/info', f'/gradio_api/file={Path(__file__).resolve()}'):
        assert status(path) == 401
    assert status('/gradio_api/upload', b'a') == 401
    assert status('/gradio_api/upload', b'a', **{'Content-Length': '200000000'}) == 413
    for named in ('http://127.0.0.1:1/a', '/dev/zero'):
        assert status('/gradio_api/queue/join', json.dumps({'data': [{'path': named}]}).encode()) == 400
    wrong = [status('/login', b'username=mmvidext&password=wrong') for _ in range(6)]
    assert wrong == [400] * 5 + [429]


def serve_for(host, login):
    serve({}, {}, host=host, port=1, login=login, limits=Limits(), wait=lambda seconds: True, on_start=print)


def test_others_need_a_password(monkeypatch):
    with pytest.raises(ValueError, match=r'others can reach 0\.0\.0\.0: a password is needed'):
        serve_for('0.0.0.0', None)
    with pytest.raises(ValueError, match='the password must have 8 characters or more'):
        serve_for('127.0.0.1', ('mmvidext', 'short'))
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(click.UsageError, match='it needs a password: set MMVIDEXT_APP_PASSWORD'):
        ask_password()
    assert [is_this_machine(host) for host in ('127.0.0.1', '::1', 'localhost', '0.0.0.0', '10.0.0.1', 'gpu1')] == [
        *[True] * 3,
        *[False] * 3,
    ]
