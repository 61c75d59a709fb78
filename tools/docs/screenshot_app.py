"""Take the screenshots of docs/app.md from a page that runs, with Playwright and a Chromium that is installed.

    mmvidext app WORK_DIR ... --work-dir WORK_DIR ... &
    python tools/docs/screenshot_app.py docs/images Recognition=CLIP 'Optical flow=CLIP' 'Training curves='

Each tab is given with the video that is uploaded there; NAME=CLIP becomes app_NAME.png, in small letters.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = ('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking')


def show_tab(page: Page, name: str, clip: str, *, wait: float, at: float | None) -> None:
    """Open a tab, upload a clip if there is one, wait for what comes, and stop the video at so many seconds."""
    page.get_by_role('tab', name=name).click()
    panel = page.get_by_role('tabpanel').filter(visible=True)
    if clip:
        panel.locator('input[type=file]').first.set_input_files(clip)
        panel.get_by_text('Drop Video Here').wait_for(state='hidden')
    panel.get_by_role('button', name='Run' if clip else 'Draw', exact=True).click()
    panel.locator('video[src*="result"]' if clip else 'img').first.wait_for(timeout=1000 * wait)
    page.wait_for_timeout(3000)  # the video begins to play
    if clip and at is not None:
        panel.locator('video[src*="result"]').evaluate('(video, at) => {video.pause(); video.currentTime = at}', at)
        page.wait_for_timeout(1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='folder of the PNG files')
    parser.add_argument('tabs', nargs='+', metavar='TAB=CLIP')
    parser.add_argument('--address', default='http://127.0.0.1:7860', help='of the page (default: %(default)s)')
    parser.add_argument('--chromium', default=shutil.which('chromium'), help='the browser (default: %(default)s)')
    parser.add_argument('--wait', type=float, default=300, help='seconds that a result may take (default: %(default)s)')
    parser.add_argument('--at', type=float, help='stop the videos at this second (default: let them play)')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport={'width': 1200, 'height': 760})
        page.goto(args.address)
        for tab in args.tabs:
            name, _, clip = tab.partition('=')
            show_tab(page, name, clip, wait=args.wait, at=args.at)
            path = args.out / f'app_{name.lower().replace(" ", "_")}.png'
            page.screenshot(path=path, full_page=True)
            print(f'wrote {path}')
        browser.close()


if __name__ == '__main__':
    main()
