"""The command with all its parts, and the scripts that lead to them."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import click
import pytest

from mmvidext.cli import doctor
from mmvidext.cli.config_names import find_config
from mmvidext.cli.lazy_group import LazyGroup
from mmvidext.cli.main import main
from mmvidext.cures.version_caps import mmcv_is_above_the_cap
from tests.cli.invoke import ROOT, invoke, run_script

FORK = mmcv_is_above_the_cap()
DOORS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / 'tools').rglob('*.py')
    if 'from mmvidext.cli' in path.read_text() and 'sys.exit' in path.read_text()
)


def commands(group, name='mmvidext'):
    """Yield every command with its name."""
    yield name, group
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for part in group.list_commands(context):
                yield from commands(group.get_command(context, part), f'{name} {part}')


COMMANDS = dict(commands(main))


@pytest.mark.parametrize('name', COMMANDS)
def test_help_shows_one_example_that_is_accepted(name, tmp_path, monkeypatch):
    """What the example gives is taken by the command it is an example of; nothing is run."""
    text = ' '.join(COMMANDS[name].help.split())
    (example,) = re.findall(r'Example: (mmvidext .*)$', text)
    called = []
    for command in COMMANDS.values():
        if not isinstance(command, click.Group):
            monkeypatch.setattr(command, 'callback', lambda command=command, **values: called.append(command))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'class_names.txt').touch()
    invoke(main, *shlex.split(example)[1:])
    assert len(called) == 1
    assert example.startswith(name)
    for config in re.findall(r'mmvidext::\S+', text):
        assert config == 'mmvidext::NAME,' or find_config(config).is_file()


@pytest.mark.parametrize(
    ('name', 'needs'), [('segment', 'segmentor'), ('detect', 'detector'), ('stream', 'online_recognizer')]
)
def test_a_toolbox_that_is_missing_is_one_line(name, needs, monkeypatch):
    module = needs if '_' in needs else f'video_{needs}'
    monkeypatch.delitem(sys.modules, f'mmvidext.cli.{name}')
    monkeypatch.setitem(sys.modules, f'mmvidext.apis.{module}', None)
    words = ['config.py', 'none', 'in.mp4', 'out.mp4']
    output = invoke(main, name, *words[: 3 if name == 'stream' else 4], status=1)
    assert re.fullmatch(rf'Error: .*mmvidext\.apis\.{module}.*\n', output)


def takes(option, value):
    try:
        option.type.convert(value, option, None)
    except click.BadParameter:
        return False
    return True


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_every_number_is_finite(value):
    numbers = [
        (name, option)
        for name, command in COMMANDS.items()
        for option in command.params
        if isinstance(option.type, click.types.FloatParamType)
    ]
    assert len(numbers) > 20
    assert [f'{name} {option.name}' for name, option in numbers if takes(option, value)] == []


OPTIONS = [
    (name, option)
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.hidden
]


@pytest.mark.parametrize(('name', 'option'), OPTIONS, ids=[f'{name} {option.opts[0]}' for name, option in OPTIONS])
def test_the_help_of_an_option_stands_alone(name, option):
    """A phrase that needs the name of the option before it is a riddle: `--seed  Of the split.`"""
    text = option.help.partition('  [default')[0]
    assert re.match(r'[A-Z].*[.)]$', text, re.DOTALL), text
    assert len(text.split()) > 2, text
    assert text.split()[0] not in ('Of', 'In', 'And', 'Or', 'Where', 'What', 'How', 'Whose', 'With', 'Without'), text


def test_summaries_are_those_of_the_commands():
    for name, command in COMMANDS.items():
        if isinstance(command, LazyGroup):
            output = invoke(command, '--help')
            for part, summary in command.summaries.items():
                assert re.search(rf'{part} +{re.escape(summary)}', output)
                assert COMMANDS[f'{name} {part}'].help


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ('trian', "No such command 'trian'; did you mean train?"),
        ('data foldr', "No such command 'foldr'; did you mean folder?"),
        ('zzz', "No such command 'zzz'."),
    ],
)
def test_an_unknown_command(words, message):
    assert f'{message}\n' in invoke(main, *words.split(), status=2)


def test_a_package_that_is_not_installed_is_one_line(monkeypatch):
    group = LazyGroup(package='mmvidext.cli', summaries={'not-there': 'Nothing.'})
    output = invoke(group, 'not-there', status=1)
    assert output.startswith("Error: not-there needs what is not installed: No module named 'mmvidext.cli.not_there'")


def test_there_is_a_script_for_each_command_of_the_first_version():
    names = {path.name for path in DOORS}
    assert {'train.py', 'test.py', 'stream.py', 'segment_video.py', 'estimate_flow.py', 'export_onnx.py'} <= names
    assert {'convert_checkpoint.py', 'check_env.py', 'make_synthetic.py', 'prepare_sthv2.py'} <= names


@pytest.mark.parametrize('door', DOORS, ids=str)
def test_a_script_without_the_package_says_so_in_one_line(door, tmp_path):
    """Isolated from the installed packages."""
    done = subprocess.run(
        [sys.executable, '-S', '-E', ROOT / door, '--help'], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1
    assert "No module named 'mmvidext'; this script needs the package: pip install" in done.stderr


def test_a_script_is_the_command(capsys):
    run_script('tools/train.py', '-h')
    shown = capsys.readouterr().out
    assert 'Usage: train.py [OPTIONS] CONFIG' in shown
    assert '--cfg-options KEY=VALUE ...' in shown


@pytest.mark.parametrize('words', ['', 'train', 'doctor', 'data', 'data folder', 'weights get', 'run'])
def test_the_short_name_of_help(words):
    assert invoke(main, *words.split(), '-h') == invoke(main, *words.split(), '--help')


def test_cfg_options_take_several_values_as_those_of_the_toolboxes(monkeypatch):
    train = COMMANDS['mmvidext train']
    values = {}
    monkeypatch.setattr(train, 'callback', lambda **given: values.update(given))
    invoke(train, '--cfg-options', 'a=1', 'b.c=[1,2]', '+d=x', 'config.py', '--seed', '3', '--cfg-options', 'e=-1')
    assert values['cfg_options'] == ('a=1', 'b.c=[1,2]', '+d=x', 'e=-1')
    assert (values['config'], values['seed'], values['resume']) == ('config.py', 3, None)
    invoke(train, 'config.py', '--resume', '--local_rank=2', '--launcher', 'pytorch', '--cfg-options=a=1')
    assert (values['resume'], values['local_rank'], values['cfg_options']) == ('auto', 2, ('a=1',))
    invoke(train, 'config.py', '--resume', 'a.pth', '--local-rank', '1')
    assert (values['resume'], values['local_rank']) == ('a.pth', 1)


def test_doctor():
    output = invoke(COMMANDS['mmvidext doctor'])
    assert re.search(r'torch +2\S+ +2\.13\.0', output)
    line, engine = ('onedl', r'onedl-mmengine +0\.10\.12') if FORK else ('OpenMMLab', r'mmengine +0\.10\.7 +0\.10\.7')
    assert f'line of the toolboxes: {line}\n' in output
    assert re.search(engine, output)
    assert 'import mmvidext.models: works' in output
    assert re.search(r'mmvidext\.ops: nms, roi_align, deform_conv2d by (plain torch|torchvision \d)', output)
    assert re.search(r'mmcv\.ops: (19 compiled functions by mmvidext|by mmcv itself)', output)


@pytest.mark.parametrize(
    ('installed', 'named'),
    [
        ('mmengine onedl-mmcv', 'mmengine (OpenMMLab) and onedl-mmcv (onedl)'),
        ('onedl-mmengine onedl-mmcv mmdet', 'mmdet (OpenMMLab) and onedl-mmengine, onedl-mmcv (onedl)'),
        ('mmcv-lite onedl-mmsegmentation', 'mmcv-lite (OpenMMLab) and onedl-mmsegmentation (onedl)'),
    ],
)
def test_doctor_names_a_mixture_of_both_lines(installed, named, monkeypatch):
    """Their modules have the same names, so whichever is installed last writes over the other."""
    monkeypatch.setattr(doctor, 'found', dict.fromkeys(installed.split(), '1.0').get)
    with pytest.raises(click.ClickException, match=f'packages of both lines .* are installed, {re.escape(named)}: '):
        doctor.report_versions()


@pytest.mark.parametrize(
    ('installed', 'tested', 'judged'),
    [
        ('2.13.0+cpu', '2.13.0', ''),
        ('3.11.7', '3.11', ''),
        ('2.13.1', '2.13.0', 'newer than tested; nothing is known to fail'),
        ('2.14.0a0+git12', '2.13.0', 'newer than tested; nothing is known to fail'),
        ('10.0', '9.9', 'newer than tested; nothing is known to fail'),
        ('3.10.13', '3.11', 'older than tested'),
        ('2.13.0rc1', '2.13.0', 'older than tested'),
        ('1.0', None, ''),
    ],
)
def test_a_version_is_judged(installed, tested, judged):
    assert doctor.judge(installed, tested) == judged


def test_doctor_says_what_is_newer_and_does_not_fail(monkeypatch):
    found = doctor.found
    monkeypatch.setattr(doctor, 'found', lambda package: '99.1+cu130' if package == 'torch' else found(package))
    output = invoke(COMMANDS['mmvidext doctor'])
    assert re.search(r'^torch +99\.1\+cu130 +2\.13\.0 +newer than tested; nothing is known to fail$', output, re.M)
    assert re.search(r'^click +\S+ +8\.5\.1$', output, re.M)


def test_doctor_compares_with_what_was_tested_on_this_python(monkeypatch, tmp_path):
    constraints = tmp_path / 'constraints.txt'
    constraints.write_text('# a==1\na==2; python_version >= "3.0"\na==1; python_version < "3.0"\nb==3.0\n')
    monkeypatch.setattr(doctor, 'CONSTRAINTS', constraints)
    assert doctor.tested_versions() == {'a': '2', 'b': '3.0', **doctor.TESTED}


def test_doctor_asks_for_what_the_line_lacks(monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'found', {'onedl-mmcv': '2.3.6', 'mmaction2': '1.2.0'}.get)
    assert not doctor.report_versions()
    printed = capsys.readouterr().out
    assert re.search(r'onedl-mmengine +MISSING', printed)
    assert re.search(r'onedl-mmsegmentation +- ', printed)


@pytest.mark.parametrize('taken_for', [KeyboardInterrupt, SyntaxError('Failed to format'), click.Abort])
def test_an_interrupt_ends_any_command_with_130_whatever_it_is_taken_for(taken_for, monkeypatch):
    def read_the_config(**values):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt as error:
            raise taken_for from error  # as mmengine's Config.pretty_text does

    monkeypatch.setattr(COMMANDS['mmvidext test'], 'callback', read_the_config)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a worker of pytest may ignore it
    for command, arguments in ((main, ('test', 'a.py', 'b.pth')), (COMMANDS['mmvidext test'], ('a.py', 'b.pth'))):
        assert invoke(command, *arguments, status=130) == 'stopped by SIGINT\n'
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_a_checkpoint_may_be_an_address():
    """As a path of the file system, https://a/b would become https:/a/b."""
    checkpoints = {
        name: option
        for name, command in COMMANDS.items()
        for option in command.params
        if option.name in ('checkpoint', 'weights')
    }
    assert {'mmvidext export', 'mmvidext predict', 'mmvidext test'} <= set(checkpoints)
    taken = {name: option.type.convert('https://a/b', option, None) for name, option in checkpoints.items()}
    assert set(taken.values()) == {'https://a/b'}, taken
