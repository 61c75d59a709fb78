"""The Dockerfile names what there is: files, extras, commands and the versions that the tests ran with."""

import configparser
import re
from pathlib import Path

from mmvidext.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'Dockerfile').read_text()
ARGUMENTS = dict(re.findall(r'^ARG (\w+)=(.*)$', TEXT, re.MULTILINE))


def test_base_is_an_argument_before_the_image_is_chosen():
    assert re.search(r'^ARG BASE=\S+\nFROM \$\{BASE\}$', TEXT, re.MULTILINE)


def test_torch_is_the_one_that_setup_env_installs():
    default = re.search(r'TORCH_SPEC:-([^}]+)', (ROOT / 'tools' / 'setup_env.sh').read_text())
    assert ARGUMENTS['TORCH'] == default[1]


def test_extras_and_files_are_there():
    extras = configparser.ConfigParser()
    extras.read(ROOT / 'setup.cfg')
    assert set(ARGUMENTS['EXTRAS'].split(',')) <= set(extras['options.extras_require'])
    assert 'tools/constraints.txt' in TEXT
    assert (ROOT / 'tools' / 'constraints.txt').is_file()


def test_commands_are_ours():
    named = set(re.findall(r'mmvidext ([a-z]+)(?= |$)', TEXT, re.MULTILINE)) - {'with'}
    assert named == {'doctor', 'train'}
    assert named <= set(main.list_commands(None))


def test_the_context_leaves_out_what_is_made():
    ignored = (ROOT / '.dockerignore').read_text().split()
    assert {'.git', '.venv', 'data', 'work_dirs'} <= set(ignored)
