"""What the documentation names exists: files, and the headings that links lead to."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *ROOT.glob('docs/**/*.md'), *ROOT.glob('configs/**/*.md')]
)
# paths from the root, in which NAME and the like are placeholders, and names of configs or tools alone
PATH = re.compile(r'(?<![\w/.-])(?:configs|docs|mmvidext|tests|tools)/[\w./-]+\w/?')
PLACEHOLDER = re.compile(r'(^|[/_])(?!README)[A-Z]{3,}')
FILE = re.compile(r'`(\w+\.py)`')
LINK = re.compile(r'\]\(([^):#]*)(?:#([\w-]+))?\)')

by_page = pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page):
    """Return the names under which the headings of a page can be linked to."""
    headings = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading).strip().lower().replace(' ', '-') for heading in headings}


@by_page
def test_named_files_exist(page):
    text = page.read_text()
    missing = {path for path in PATH.findall(text) if not PLACEHOLDER.search(path) and not (ROOT / path).exists()}
    files = {path.name for folder in ('configs', 'tools') for path in (ROOT / folder).rglob('*.py')}
    missing |= {name for name in FILE.findall(text) if not PLACEHOLDER.search(name)} - files
    assert missing == set()


@by_page
def test_links_lead_somewhere(page):
    broken = set()
    for target, anchor in LINK.findall(page.read_text()):
        file = page.parent / target if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.add(f'{target}#{anchor}')
    assert broken == set()


def test_the_api_reference_covers_the_package():
    described = set(
        re.findall(r'^::: (\S+)', ''.join(page.read_text() for page in ROOT.glob('docs/api/*.md')), re.MULTILINE)
    )
    modules = {'.'.join(path.relative_to(ROOT).with_suffix('').parts) for path in ROOT.glob('mmvidext/**/*.py')}
    # a page shows the modules of a package too
    uncovered = {
        module
        for module in modules
        if '_' not in {part[0] for part in module.split('.')}
        and not any(module == name or module.startswith(f'{name}.') for name in described)
    }
    # commands are described by --help
    assert {module for module in uncovered if not module.startswith('mmvidext.cli.')} == {'mmvidext.version'}
